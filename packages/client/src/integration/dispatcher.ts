/**
 * A dispatcher for undici: requests to `http://NAME.rollcall/…` go to instances of the service NAME, balanced and
 * retried as by `fetch` of the service; all others go where they say. For `undici.request`, undici's `fetch`,
 * interceptors, and `setGlobalDispatcher`.
 */

import { RegistryError } from '@rollcall/protocol';
import { Agent, Dispatcher } from 'undici';
import { fetchHandler } from '../http/handler-forms.ts';
import type { ServiceClient } from '../service-client.ts';
import { serviceOfHost } from './service-host.ts';

/** The part of a client that is needed: a service by its name. */
export type ServiceFinder = (name: string) => ServiceClient;

/** Where services are found is given; where everything else goes is undici's own agent. */
export class ServiceDispatcher extends Dispatcher {
  readonly #service: ServiceFinder;
  readonly #elsewhere = new Agent();

  constructor(service: ServiceFinder) {
    super();
    this.#service = service;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const given = String(options.origin);
    const origin = URL.canParse(given) ? new URL(given) : undefined;
    const name = origin && serviceOfHost(origin.hostname);
    if (origin === undefined || name === undefined) return this.#elsewhere.dispatch(options, handler);
    try {
      const refusal = refusalOf(origin, options);
      if (refusal !== undefined) throw new RegistryError('invalid_argument', refusal);
      this.#service(name).dispatch(options, handler);
    } catch (error) {
      // Thrown here, it would be lost on interceptors that dispatch from a timer.
      fetchHandler(handler).onError(error as Error);
    }
    return true;
  }

  /** Ends connections to other places; those of services belong to their client. */
  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    return callback === undefined ? this.#elsewhere.close() : this.#elsewhere.close(callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const done = typeof error === 'function' ? error : callback;
    const ended = this.#elsewhere.destroy(error instanceof Error ? error : null);
    return done === undefined ? ended : void ended.then(done);
  }
}

function refusalOf({ protocol, port, host }: URL, { upgrade, method }: Dispatcher.DispatchOptions): string | undefined {
  if (protocol !== 'http:') return `${protocol}//${host}: services are asked over http; their instances have no certificate for this name`;
  if (port !== '') return `http://${host}: a service has no port, each of its instances has one; leave it out`;
  if (upgrade === true || typeof upgrade === 'string' || method === 'CONNECT') {
    return `http://${host}: upgrades and tunnels are not balanced; use webSocket() of the service, or pick()`;
  }
  return undefined;
}
