/**
 * `fetch` for one service: the platform's `fetch`, with a dispatcher that chooses an instance for each request
 * and retries (`http/exchange.ts`). So requests, answers, forms, redirects and errors are the platform's own,
 * and every program that takes a `fetch` can use it. It serves one service only; `Rollcall.fetch` finds the service
 * by the URL.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { ExplainedRequests } from './explain/explain-service.ts';
import type { Exchange } from './http/exchange.ts';
import type { ExchangeContext, ExchangeOptions, ListWait, RulesNow } from './http/exchange-context.ts';
import { fetchHandler } from './http/handler-forms.ts';
import { withOneLength } from './http/request-headers.ts';
import type { Transport } from './http/transport.ts';
import { noTls } from './integration/service-host.ts';
import { checkTryOptions, exchangeOptions, type TryOptions } from './try-options.ts';

/** The platform's `fetch`, with options for retries. Assignable to `typeof fetch`. */
export type Fetch = (input: string | URL | Request, init?: RequestInit & TryOptions) => Promise<Response>;

/** The platform's `fetch` at the time when this module is loaded: a program may replace the global one with ours. */
export const platformFetch = globalThis.fetch;

/** The part of the context that may change while the service is in use. */
export type RequestRules = Pick<ServiceFetchContext, 'picker' | 'budget' | 'hedging' | 'triesMax' | 'tryTimeoutMs' | 'timeoutMs' | 'retryAfterMaxMs' | 'keyHeader'>;

export interface ServiceFetchContext extends Omit<ExchangeContext, 'pools' | 'telemetry'> {
  readonly transport: Transport;
  /** Time for a whole request in milliseconds; Infinity for no limit. */
  readonly timeoutMs: number;
  /** Whether all instances use TLS; only then may a URL begin with `https:`. */
  readonly isSecure: boolean;
  /** Host names of the service, at least one; see `hostsOf`. */
  readonly hosts: readonly string[];
  /** The wait for the first list of instances; undefined when one is known. */
  readonly listWait: () => ListWait | undefined;
}

interface Loaded {
  readonly context: ExchangeContext;
  readonly Exchange: typeof Exchange;
}

/** `fetch` calls only one method of a dispatcher, and the types of Node declare no other. */
type FetchDispatcher = NonNullable<RequestInit['dispatcher']>;

const noInit: RequestInit & TryOptions = {};

export class ServiceFetch {
  #context: ServiceFetchContext;
  readonly #base: URL;
  /** The origin of `#base`, kept because `URL` would build it again for every request. */
  readonly #origin: string;
  /** All origins of the service: if it requires TLS, with either scheme. */
  readonly #ownOrigins: ReadonlySet<unknown>;
  /** Set with the first request, once what sends requests is loaded. */
  #loaded: Loaded | undefined;
  /** For requests without their own options. */
  readonly #usual: { readonly dispatcher: FetchDispatcher };

  constructor(context: ServiceFetchContext) {
    this.#context = context;
    const { hosts, isSecure } = context;
    this.#base = new URL(`${isSecure ? 'https' : 'http'}://${hosts[0]}`);
    this.#origin = this.#base.origin;
    const schemes = isSecure ? ['https', 'http'] : ['http'];
    this.#ownOrigins = new Set(schemes.flatMap((scheme) => hosts.map((host) => `${scheme}://${host}`)));
    this.#usual = { dispatcher: this.#dispatcher({}) };
  }

  /** Requests that begin from now on go by these rules; those under way keep theirs. */
  use(rules: RequestRules): void {
    this.#context = { ...this.#context, ...rules };
    if (this.#loaded !== undefined) this.#loaded = { ...this.#loaded, context: { ...this.#loaded.context, ...rules } };
  }

  /** See `ServiceClient.fetch`. */
  fetch(input: string | URL | Request, init: RequestInit & TryOptions = noInit): Promise<Response> {
    try {
      const { body } = init;
      if (typeof body === 'object' && body !== null) checkBody(body);
      const target = this.#resolve(input);
      const own = exchangeOptions(init, this.#context);
      if (init === noInit && own === undefined) return platformFetch(target, this.#usual);
      // `fetch` reads its own options and ignores ours.
      const { dispatcher } = own === undefined ? this.#usual : { dispatcher: this.#dispatcher(own) };
      return platformFetch(target, { ...init, dispatcher });
    } catch (error) {
      return refused(error as Error);
    }
  }

  /**
   * One request of a dispatcher of the program (`integration/dispatcher.ts`).
   * @throws RegistryError `invalid_argument` for an option out of its range
   */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, options: TryOptions): void {
    checkTryOptions(options);
    this.#send(request, handler, exchangeOptions(options, this.#context) ?? {});
  }

  /** For `explain`. */
  explain(now: number): ExplainedRequests {
    const { requests, concurrency, budget, hedging } = this.#context;
    const { current: inFlight, answering, max } = requests;
    return {
      requests: { inFlight, answering, max },
      concurrencyMax: concurrency?.limit,
      retriesLeft: Math.floor(budget.balance(now)),
      hedging: hedging?.explain(now),
    };
  }

  /** Requests to the service's own name are balanced; a redirect to another host goes there. */
  #dispatcher(options: ExchangeOptions): FetchDispatcher {
    const dispatch = (request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean => {
      if (this.#isOwn(request.origin)) this.#send(bodied(request), handler, options);
      // An instance of the service has redirected here, so the transport is loaded.
      else return this.#context.transport.loaded?.elsewhere().dispatch(request, handler) ?? false;
      return true;
    };
    return { dispatch } as unknown as FetchDispatcher;
  }

  #send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, settings: ExchangeOptions): void {
    const loaded = this.#loaded;
    if (loaded === undefined) {
      this.#load().then(
        () => this.#send(request, handler, settings),
        (error: Error) => fetchHandler(handler).onError(error),
      );
      return;
    }
    const wait = this.#context.listWait();
    const options = wait === undefined ? settings : { ...settings, wait, afterWait: this.#afterWait };
    new loaded.Exchange(loaded.context, request, fetchHandler(handler), options).start();
  }

  readonly #afterWait = (): RulesNow => ({ context: (this.#loaded as Loaded).context, timeoutMs: this.#context.timeoutMs });

  async #load(): Promise<void> {
    const [{ pools, telemetry }, { Exchange: loaded }] = await Promise.all([this.#context.transport.load(), import('./http/exchange.ts')]);
    this.#loaded ??= { context: { ...this.#context, pools, telemetry }, Exchange: loaded };
  }

  #isOwn(origin: unknown): boolean {
    return origin === this.#origin || this.#ownOrigins.has(origin);
  }

  /** Accepts a path, or a URL of the service's own name. Refuses other hosts: the request would not go to them. */
  #resolve(input: string | URL | Request): string | URL | Request {
    // The common case; `fetch` parses it anyway. Two slashes would begin a host name.
    if (typeof input === 'string' && /^\/(?![/\\])/.test(input)) return this.#origin + input;
    // A URL from `Rollcall.fetch`, which has parsed it already.
    if (input instanceof URL && this.#isOwn(input.origin)) return input;
    const given = input instanceof Request ? input.url : String(input);
    // Only strings may be relative: another value whose text is not a URL is a mistake.
    const base = typeof input === 'string' ? this.#base.href : undefined;
    const url = URL.canParse(given, base) ? new URL(given, base) : undefined;
    if (url !== undefined && this.#isOwn(url.origin)) return input instanceof Request ? input : url;
    if (url?.host === this.#base.host) throw new RegistryError('invalid_argument', `"${given}": ${noTls}`);
    const message = `"${given}" is neither a path nor a URL under ${this.#origin}; other hosts are not this service`;
    throw new RegistryError('invalid_argument', message);
  }
}

/** Converts a request with a body to the form that undici 7 expects. */
function bodied(request: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const headers = (request.body ?? undefined) === undefined ? request.headers : withOneLength(request.headers);
  return headers === request.headers ? request : { ...request, headers: headers ?? null };
}

/** Fails as `fetch` does: with a TypeError whose cause is our error. */
export function refused(error: Error): Promise<never> {
  return Promise.reject(error instanceof TypeError ? error : new TypeError(error.message, { cause: error }));
}

/** Bodies from packages that have their own versions of the platform's classes (undici, form-data, node-fetch). */
const foreignBody = /^\[object (FormData|Blob|File|URLSearchParams|ReadableStream)\]$/;

/** The platform would send a foreign body as the text "[object FormData]". */
function checkBody(body: object): void {
  if (body instanceof Blob || body instanceof FormData || body instanceof ReadableStream || body instanceof URLSearchParams) return;
  if (ArrayBuffer.isView(body) || Symbol.asyncIterator in body) return;
  const sent = (body as { toString(): string }).toString();
  if (!foreignBody.test(sent)) return;
  throw new RegistryError('invalid_argument', `the body is ${sent} of another implementation; use the platform's own class, which is a global`);
}
