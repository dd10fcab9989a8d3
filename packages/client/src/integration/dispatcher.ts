/**
 * A dispatcher for undici: requests to `http://NAME.rollcall/…` go to instances of the service NAME, balanced and
 * retried as by `fetch` of the service; all others go where they say. For `undici.request`, undici's `fetch`,
 * interceptors, and `setGlobalDispatcher`.
 */

import { createRequire } from 'node:module';
import { RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import { fetchHandler } from '../http/handler-forms.ts';
import type { ServiceClient } from '../service-client.ts';
import { demandTryOptions, type TryOptions } from '../try-options.ts';
import { noTls, refusalOf, serviceOfHost } from './service-host.ts';

/** The part of a client that is needed: a service by its name. */
export type ServiceFinder = (name: string) => ServiceClient;

/**
 * Loads undici, so it is for programs that use it. Closing the dispatcher ends connections to other places; those of
 * services belong to their client.
 * @param options of every request, or how they follow from the request
 * @throws RegistryError `invalid_argument` for an option that there is not
 */
export function serviceDispatcher(
  service: ServiceFinder,
  options: TryOptions | ((request: Dispatcher.DispatchOptions) => TryOptions) = {},
): Dispatcher {
  if (typeof options !== 'function') demandTryOptions(options);
  // Needed now, so it cannot be imported.
  const { Agent } = createRequire(import.meta.url)('undici') as typeof import('undici');
  return new Agent().compose((elsewhere) => (request, handler) => {
    const given = String(request.origin);
    const origin = URL.canParse(given) ? new URL(given) : undefined;
    const name = origin && serviceOfHost(origin.hostname);
    if (origin === undefined || name === undefined) return elsewhere(request, handler);
    try {
      const refusal = refusalOf(origin) ?? upgradeOf(origin, request);
      if (refusal !== undefined) throw new RegistryError('invalid_argument', refusal);
      const found = service(name);
      if (origin.protocol === 'https:' && !found.demandsTls) throw new RegistryError('invalid_argument', `${given}: ${noTls}`);
      found.dispatch(request, handler, typeof options === 'function' ? options(request) : options);
    } catch (error) {
      // Thrown here, it would be lost on interceptors that dispatch from a timer.
      fetchHandler(handler).onError(error as Error);
    }
    return true;
  });
}

function upgradeOf({ host }: URL, { upgrade, method }: Dispatcher.DispatchOptions): string | undefined {
  if (upgrade !== true && typeof upgrade !== 'string' && method !== 'CONNECT') return undefined;
  return `http://${host}: upgrades and tunnels are not balanced; use openWebSocket(), or pick() of the service`;
}
