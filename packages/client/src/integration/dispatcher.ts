/**
 * A dispatcher for undici: requests to `http://NAME.rollcall/…` go to instances of the service NAME, balanced
 * and retried as by `fetch` of the service; all others go to their own host. For `undici.request`, undici's
 * `fetch`, interceptors, and `setGlobalDispatcher`.
 */

import { createRequire } from 'node:module';
import { RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import { fetchHandler } from '../http/handler-forms.ts';
import type { ServiceClient } from '../service-client.ts';
import { checkTryOptions, type TryOptions } from '../try-options.ts';
import { type NamedService, noTls, refusalOf, serviceOfHost } from './service-host.ts';

/** The part of a client that this file uses: a service by its name. @param namespace undefined: the client's own */
export type ServiceFinder = (name: string, namespace?: string) => ServiceClient;

/**
 * Loads undici, so it is for programs that use undici. Closing the dispatcher ends connections to other hosts; the
 * connections to services belong to their client.
 * @param options of every request, or a function that derives them from the request
 * @throws RegistryError `invalid_argument` for an unknown option
 */
export function serviceDispatcher(
  service: ServiceFinder,
  options: TryOptions | ((request: Dispatcher.DispatchOptions) => TryOptions) = {},
): Dispatcher {
  if (typeof options !== 'function') checkTryOptions(options);
  // Needed synchronously, so `import()` cannot load it.
  const { Agent } = createRequire(import.meta.url)('undici') as typeof import('undici');
  const destinations = new Map<string, Destination>();
  return new Agent().compose((elsewhere) => (request, handler) => {
    const origin = String(request.origin);
    let destination = destinations.get(origin);
    if (destination === undefined) {
      destination = destinationOf(origin);
      if (destinations.size >= destinationsMax) destinations.clear();
      destinations.set(origin, destination);
    }
    const { host, named, isSecure } = destination;
    if (named === undefined) return elsewhere(request, handler);
    try {
      const refusal = destination.refusal ?? upgradeOf(host, request);
      if (refusal !== undefined) throw new RegistryError('invalid_argument', refusal);
      const found = service(named.name, named.namespace);
      if (isSecure && !found.requiresTls) throw new RegistryError('invalid_argument', `https://${host}: ${noTls}`);
      found.dispatch(request, handler, typeof options === 'function' ? options(request) : options);
    } catch (error) {
      // Interceptors that dispatch from a timer would lose an error thrown here.
      fetchHandler(handler).onError(error as Error);
    }
    return true;
  });
}

/**
 * Parses the origin of requests into a service, once per origin: parsing it for every request would take longer than
 * choosing an instance.
 */
interface Destination {
  readonly host: string;
  /** The service; undefined for other hosts. */
  readonly named: NamedService | undefined;
  readonly isSecure: boolean;
  /** Why this origin cannot be used for a service. */
  readonly refusal: string | undefined;
}

/** Origins remembered in one dispatcher; beyond it all are dropped. */
const destinationsMax = 256;

function destinationOf(origin: string): Destination {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined) return { host: '', named: undefined, isSecure: false, refusal: undefined };
  const { host, hostname, protocol } = url;
  return { host, named: serviceOfHost(hostname), isSecure: protocol === 'https:', refusal: refusalOf(url) };
}

function upgradeOf(host: string, { upgrade, method }: Dispatcher.DispatchOptions): string | undefined {
  if (upgrade !== true && typeof upgrade !== 'string' && method !== 'CONNECT') return undefined;
  return `http://${host}: upgrades and tunnels are not balanced; use openWebSocket(), or pick() of the service`;
}
