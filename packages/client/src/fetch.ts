/**
 * `fetch` for one service: undici's own, bound to a dispatcher that chooses an instance for each
 * request and retries (`http/exchange.ts`). Not the global `fetch`: dispatchers and `fetch` must be
 * of the same undici, and each Node brings another one.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { Agent, Dispatcher, fetch, type RequestInit, type Response } from 'undici';
import { Exchange, type ExchangeContext, type ExchangeOptions, type ListWait } from './http/exchange.ts';
import { fetchHandler } from './http/handler-forms.ts';
import type { FetchHandler } from './http/try.ts';
import { currentDeadline, earlier } from './resilience/deadline.ts';
import { demandAbove0 } from './service-options.ts';

export type { RequestInit, Response } from 'undici';

/** Options of one request, beside those of `fetch`. */
export interface TryOptions {
  /** Instead of the service's `tryTimeoutMs`. */
  readonly tryTimeoutMs?: number;
  /** What the request is about (a user, a cache key): hashing balancers send equal keys to the same instance. */
  readonly hashKey?: string;
  /**
   * Time for the whole request, retries and the answer's body included, in milliseconds, more than 0. What
   * is left of it goes with the request (`resilience/deadline.ts`). A redirect to another host is not counted.
   * By default the time that is left for the request that is being served, if that has a deadline
   * (`withDeadline`), else none.
   */
  readonly timeoutMs?: number;
}

export interface ServiceFetchContext extends ExchangeContext {
  /** Time for a whole request in milliseconds; Infinity for no limit. */
  readonly timeoutMs: number;
}

export class ServiceFetch {
  readonly #context: ServiceFetchContext;
  readonly #base: URL;
  /** Of `#base`, which would put it together anew for every request. */
  readonly #origin: string;
  readonly #dispatcher: ServiceDispatcher;
  readonly #elsewhere = new Elsewhere();

  constructor(context: ServiceFetchContext) {
    this.#context = context;
    this.#base = baseOf(context.service);
    this.#origin = this.#base.origin;
    this.#dispatcher = new ServiceDispatcher(context, this.#origin, this.#elsewhere);
  }

  /**
   * See `ServiceClient.fetch`.
   * @param wait given while no list of instances is known
   */
  async fetch(input: string | URL, options: Omit<RequestInit, 'dispatcher'> & TryOptions, wait?: ListWait): Promise<Response> {
    const { tryTimeoutMs = this.#context.tryTimeoutMs, hashKey, timeoutMs = this.#context.timeoutMs } = options;
    demandAbove0(tryTimeoutMs, 'tryTimeoutMs');
    demandAbove0(timeoutMs, 'timeoutMs');
    const url = this.#resolve(input);
    const own = timeoutMs === Infinity ? undefined : { at: this.#context.clock.monotonic() + timeoutMs };
    const deadline = earlier(own, currentDeadline());
    const usual = tryTimeoutMs === this.#context.tryTimeoutMs && hashKey === undefined && deadline === undefined && wait === undefined;
    const dispatcher = usual
      ? this.#dispatcher
      : new ServiceDispatcher({ ...this.#context, tryTimeoutMs }, this.#origin, this.#elsewhere, { hashKey, deadline, wait });
    try {
      // `fetch` reads what it knows of its options and passes over ours.
      return await fetch(url, { ...options, dispatcher });
    } catch (error) {
      // Undici wraps what the dispatcher reports in a TypeError "fetch failed".
      if (error instanceof Error && isRegistryError(error.cause)) throw error.cause;
      throw error;
    }
  }

  /**
   * One request of somebody else's dispatcher (`integration/dispatcher.ts`).
   * @param wait given while no list of instances is known
   */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, wait?: ListWait): void {
    const { clock, timeoutMs } = this.#context;
    const own = timeoutMs === Infinity ? undefined : { at: clock.monotonic() + timeoutMs };
    const deadline = earlier(own, currentDeadline());
    new Exchange(this.#context, request, fetchHandler(handler), { deadline, wait }).start();
  }

  async destroy(reason: Error): Promise<void> {
    await this.#elsewhere.destroy(reason);
  }

  /** A path, or a URL of the service's own name: any other host would silently not be asked. */
  #resolve(input: string | URL): string | URL {
    const given = String(input);
    // The common case; `fetch` parses it anyway. Two slashes would begin a host.
    if (/^\/(?![/\\])/.test(given)) return this.#origin + given;
    const url = URL.canParse(given, this.#base.href) ? new URL(given, this.#base) : undefined;
    if (url?.origin === this.#origin) return url;
    const message = `"${given}" is neither a path nor a URL below ${this.#origin}; other hosts are not this service`;
    throw new RegistryError('invalid_argument', message);
  }
}

/** Requests to the service's own name are balanced; a redirect to another place goes there. */
class ServiceDispatcher extends Dispatcher {
  readonly #context: ExchangeContext;
  readonly #origin: string;
  readonly #elsewhere: Elsewhere;
  readonly #options: ExchangeOptions;

  constructor(context: ExchangeContext, origin: string, elsewhere: Elsewhere, options: ExchangeOptions = {}) {
    super();
    this.#options = options;
    this.#context = context;
    this.#origin = origin;
    this.#elsewhere = elsewhere;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (options.origin !== this.#origin) return this.#elsewhere.agent.dispatch(options, handler);
    // Only the `fetch` of this file dispatches here, and its handler has these methods.
    new Exchange(this.#context, options, handler as FetchHandler, this.#options).start();
    return true;
  }
}

/** Connections to places that redirects lead to; most services need none. */
class Elsewhere {
  #agent: Agent | undefined;

  get agent(): Agent {
    return (this.#agent ??= new Agent());
  }

  async destroy(reason: Error): Promise<void> {
    await this.#agent?.destroy(reason);
  }
}

/** `http://NAME.rollcall`; characters that cannot stand in a host become dashes. */
function baseOf(service: string): URL {
  const label = service.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-');
  const base = `http://${label}.rollcall`;
  return new URL(URL.canParse(base) ? base : 'http://service.rollcall');
}
