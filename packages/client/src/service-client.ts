/**
 * A service as a caller sees it: its instances (`snapshot`, `instances`, `watch`), the choice of one (`pick`), and
 * requests (`fetch`). It combines a source of instances, a picker and the transport. It
 * finds no instances itself and keeps no list longer than the source does.
 */

import { type Instance, RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import { SeededRandom } from './balancer/seeded-random.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import { checkKnown, type OptionNames } from './option-check.ts';
import { guardedListener, warn } from './event-listener.ts';
import { explainService } from './explain/explain-service.ts';
import type { ExplainOptions, Explanation } from './explain/explanation.ts';
import { Choosing } from './choosing.ts';
import { type Fetch, refused, type RequestRules, ServiceFetch } from './fetch.ts';
import { type Connecting, connectingOf, requiresTls, isSecure, tlsConnectionOptions, type TlsSettings } from './http/connecting.ts';
import type { ListWait } from './http/exchange-context.ts';
import { noInstance } from './http/exchange-errors.ts';
import { loadProbing } from './http/load-probing.ts';
import { connectionReach } from './http/reach.ts';
import { headerReader } from './http/request-headers.ts';
import { Transport } from './http/transport.ts';
import { hostsOf } from './integration/service-host.ts';
import { Pick, type Picked } from './picked.ts';
import { type Latest, latest } from './source/latest.ts';
import type { ServiceEvent } from './resilience/service-event.ts';
import { RoutedOptions } from './routed-options.ts';
import type { EndpointChooser } from './routing/router.ts';
import { concurrencyOf, limitsOf, RequestLimits, type ServiceOptions } from './service-options.ts';
import type { SnapshotSource, SourcedRoute, SourcedSnapshot } from './source/snapshot-source.ts';
import type { TryOptions } from './try-options.ts';

/** The surroundings that the client, or a test, provides. */
export interface ServiceSurroundings {
  readonly clock?: Clock;
  /** Used once, for the seed of the balancer. */
  readonly random?: Random;
  /** Namespace in which `http://NAME.rollcall` is the service NAME; by default that of the source. */
  readonly ownNamespace?: string;
}

export interface PickOptions {
  /** The instances that were picked for this request before. */
  readonly exclude?: readonly Picked[];
  /** The subject of the request (a user, a cache key): hashing balancers send equal keys to the same instance. */
  readonly key?: string;
  /** Headers of the request, for canaries that select by a header. */
  readonly headers?: Readonly<Record<string, string>>;
}

const explainOptions: OptionNames<ExplainOptions> = { key: true, headers: true };
const pickOptions: OptionNames<PickOptions> = { exclude: true, key: true, headers: true };

export class ServiceClient {
  readonly name: string;
  readonly #source: SnapshotSource;
  readonly #clock: Clock;
  readonly #choosing: Choosing;
  /** Of `#choosing`; every pick reads it. */
  #chooser: EndpointChooser;
  readonly #limits: RequestLimits;
  readonly #requests: { current: number; answering: number; max: number };
  readonly #routed: RoutedOptions;
  readonly #tell: (event: ServiceEvent) => void;
  #keyHeader: string | undefined;
  readonly #transport: Transport;
  readonly #connecting: Connecting;
  readonly #fetch: ServiceFetch;
  readonly #stopRoute: (() => void) | undefined;
  readonly #stopWatch: () => void;
  readonly #stopCounts: (() => void) | undefined;
  #stopLease: (() => void) | undefined;
  readonly #watches = new Set<Latest<SourcedSnapshot>>();
  /** Requests that arrived before the first list. */
  readonly #waiting = new Set<(failure?: Error) => void>();
  #asking = false;
  /** Aborted by `close`. */
  readonly #ended = new AbortController();
  #known = false;
  #closed = false;

  /**
   * The platform's `fetch`, to an instance of this service; it needs no `this`. A request is sent again, to another
   * instance, if nothing of it was sent (no connection), or if its method is idempotent (RFC 9110 §9.2.2) and
   * the connection broke before an answer, the try took too long, or the answer was 502, 503 or 504. Retries
   * need a body that can be sent again (up to `replayBytesMax` of it, streams too), and are limited by
   * `triesMax` and the retry budget. An answer that breaks off after its headers is not retried.
   * @param input a path, a URL under `http://NAME.rollcall`, or a `Request` for one; the host header is the instance's
   * @throws TypeError, as `fetch` does; its `cause` is a RegistryError: `unavailable` if no instance could be
   *   reached, `deadline_exceeded` if the last try took too long, `unknown_outcome` if a request that is not
   *   idempotent may have been applied, `resource_exhausted` over `requestsMax`, `invalid_argument` for an invalid
   *   input, `failed_precondition` when the client is closed
   * @throws the signal's reason when it aborts
   */
  readonly fetch: Fetch = (input, init) => {
    if (this.#closed) return refused(this.#closedError());
    return this.#fetch.fetch(input, init);
  };

  /**
   * Starts to watch the service, until `close`.
   * @throws RegistryError `invalid_argument` for an option out of its range
   */
  constructor(
    source: SnapshotSource,
    name: string,
    options: ServiceOptions = {},
    { clock = systemClock, random = systemRandom, ownNamespace = source.namespace }: ServiceSurroundings = {},
  ) {
    const limits = limitsOf(options);
    this.name = name;
    this.#source = source;
    this.#clock = clock;
    this.#connecting = connectingOf(limits.connectTimeoutMs, options.tls, options.connections);
    const transport = new Transport(name, this.#connecting);
    this.#transport = transport;
    const onEvent = guardedListener(options.onEvent, `onEvent of ${name}`);
    const tell = (event: ServiceEvent) => {
      transport.loaded?.telemetry.event(event);
      onEvent(event);
    };
    this.#tell = tell;
    const reach = connectionReach(this.#connecting, this.#ended.signal);
    this.#choosing = new Choosing(options, { random: new SeededRandom(random() * 2 ** 32), probing: loadProbing(transport, clock), reach, tell });
    this.#chooser = this.#choosing.chooser;
    this.#limits = new RequestLimits(options, clock);
    this.#requests = { current: 0, answering: 0, max: limits.requestsMax };
    this.#routed = new RoutedOptions(options);
    this.#keyHeader = options.keyHeader?.toLowerCase();
    this.#fetch = new ServiceFetch({
      ...{ service: name, transport, clock, requests: this.#requests, replayBytesMax: limits.replayBytesMax },
      ...{ ...this.#rulesOf(options), onEvent: tell, isSecure: this.requiresTls, concurrency: concurrencyOf(options) },
      hosts: hostsOf(name, source.namespace, ownNamespace),
      listWait: () => (this.#known ? undefined : this.#wait),
    });
    this.#stopCounts = source.counted?.(name, this.#choosing.router.counts);
    this.#lease();
    // Before the list, so that the first requests go by the route.
    this.#stopRoute = options.followRoute === false ? undefined : source.route?.(name, (route) => this.#follow(route));
    this.#stopWatch = source.watch(name, (snapshot) => {
      try {
        this.#accept(snapshot);
      } catch (error) {
        // A selector of the program threw. The source must still call its other listeners, and the former list is better than none.
        warn(`the new list of ${name} is ignored, because a selector of its routing threw: ${String(error)}`);
      }
    });
  }

  /** The newest list known, or undefined before the first one. */
  snapshot(): SourcedSnapshot | undefined {
    return this.#source.current(this.name);
  }

  /**
   * All instances, whatever their status, as soon as they are known.
   * @throws the signal's reason when it aborts first
   */
  async instances({ signal }: { signal?: AbortSignal } = {}): Promise<readonly Instance[]> {
    const { instances } = this.snapshot() ?? (await this.#source.first(this.name, signal));
    return instances;
  }

  /**
   * The list now and each newer one; a slow reader gets only the newest. Ends when the client closes.
   * @throws the signal's reason when it aborts
   */
  watch({ signal }: { signal?: AbortSignal } = {}): AsyncIterable<SourcedSnapshot> {
    return latest<SourcedSnapshot>((values) => {
      if (this.#closed) {
        values.end();
        return () => {};
      }
      this.#watches.add(values);
      const stop = this.#source.watch(this.name, (snapshot) => values.push(snapshot));
      return () => {
        this.#watches.delete(values);
        stop();
      };
    }, signal);
  }

  /**
   * Chooses an instance for one request, synchronously. Call `done` on every result.
   * @throws RegistryError `unavailable` if there is no instance, or no list is known yet: await
   *   `instances()` first
   */
  pick(options?: PickOptions): Picked {
    if (options !== undefined) checkKnown(options, pickOptions, 'pick');
    const { exclude, key: given, headers } = options ?? {};
    this.#checkOpen();
    const now = this.#clock.monotonic();
    const tried = exclude?.flatMap((picked) => (picked instanceof Pick ? [picked.endpoint] : []));
    const header = headers && headerReader(headers);
    const key = given ?? (this.#keyHeader === undefined ? undefined : header?.(this.#keyHeader));
    const endpoint = this.#chooser.pick(now, tried, key, header);
    if (endpoint !== undefined) return new Pick(endpoint, this.#chooser, this.#clock, now);
    if (this.#known) throw noInstance(this.name);
    throw new RegistryError('unavailable', `no list of ${this.name} is known yet; await instances() before pick()`);
  }

  /**
   * Explains why each instance is or is not chosen now, and which limits apply to requests. It changes nothing, not even
   * the next pick.
   * @param options of the request in question; by default one without a key and without headers
   * @throws RegistryError `invalid_argument` for an unknown option
   */
  explain(options: ExplainOptions = {}): Explanation {
    checkKnown(options, explainOptions, 'explain');
    const { headers } = options;
    const header = headers && headerReader(headers);
    const key = options.key ?? (this.#keyHeader === undefined ? undefined : header?.(this.#keyHeader));
    const now = this.#clock.monotonic();
    const routing = this.#choosing.router.explain(now, key, header);
    const requests = this.#fetch.explain(now);
    const { guard } = this.#choosing;
    return explainService({ service: this.name, snapshot: this.snapshot(), route: this.#routed.explain(), routing, guard, requests }, now);
  }

  /**
   * Options of `tls.connect` for an instance, for programs that connect to an instance from `pick`; undefined for an instance
   * without TLS.
   */
  tlsOf(instance: Instance): TlsSettings | undefined {
    const { tls } = this.#connecting;
    return isSecure(instance, tls) ? tlsConnectionOptions(tls) : undefined;
  }

  /** Whether all instances use TLS, so that a URL may begin with `https:`. */
  get requiresTls(): boolean {
    return requiresTls(this.#connecting.tls);
  }

  /**
   * Sends a request of an undici dispatcher to an instance, as `fetch` does; its origin is ignored. Programs use
   * `Rollcall.dispatcher` instead.
   * @throws RegistryError `invalid_argument` for an option out of its range, `failed_precondition` when closed
   */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, options: TryOptions = {}): void {
    this.#checkOpen();
    this.#fetch.dispatch(request, handler, options);
  }

  /** Ends all watches and connections; requests under way fail with `cancelled`. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWatch();
    this.#stopRoute?.();
    this.#stopLease?.();
    this.#stopCounts?.();
    for (const values of this.#watches) values.end();
    const reason = new RegistryError('cancelled', `the client of ${this.name} was closed`);
    this.#endWait(reason);
    this.#ended.abort(reason);
    await this.#transport.destroy(reason);
  }

  /** A route never breaks a request: one that this client cannot follow leaves the last one. */
  #follow(sourced: SourcedRoute): void {
    const { revision } = sourced;
    const heard = this.#routed.take(sourced, (options) => {
      const { requestsMax } = limitsOf(options);
      const rules = this.#rulesOf(options);
      this.#transport.release(this.#choosing.configure(options, this.#clock.monotonic()));
      this.#chooser = this.#choosing.chooser;
      this.#requests.max = requestsMax;
      this.#keyHeader = rules.keyHeader;
      this.#fetch.use({ ...rules, picker: this.#chooser });
      this.#lease();
    });
    if (heard.kind === 'new') this.#tell({ kind: 'route', revision, words: heard.words });
    else if (heard.kind === 'refused') this.#tell({ kind: 'route-refused', revision, reason: heard.reason });
  }

  /** The rules of requests that begin from now on. @throws RegistryError `invalid_argument` when an option is out of its range */
  #rulesOf(options: ServiceOptions): RequestRules {
    const { triesMax, tryTimeoutMs, timeoutMs, retryAfterMaxMs } = limitsOf(options);
    const keyHeader = options.keyHeader?.toLowerCase();
    return { picker: this.#chooser, triesMax, tryTimeoutMs, timeoutMs, retryAfterMaxMs, keyHeader, ...this.#limits.of(options) };
  }

  /** Leases an ordinal once the options need one. */
  #lease(): void {
    const { router } = this.#choosing;
    if (!router.wantsOrdinal || this.#stopLease !== undefined) return;
    this.#stopLease = this.#source.lease?.(this.name, (ordinal) => this.#transport.release(router.useOrdinal(ordinal, this.#clock.monotonic())));
  }

  #accept(snapshot: SourcedSnapshot): void {
    this.#transport.release(this.#choosing.router.update(snapshot.instances, this.#clock.monotonic()));
    this.#known = true;
    this.#endWait();
  }

  /** Requests before the first list wait for one answer of the source: a list or an error. */
  readonly #wait: ListWait = (begin) => {
    if (this.#known) {
      begin();
      return () => {};
    }
    this.#waiting.add(begin);
    if (!this.#asking) void this.#ask();
    return () => this.#waiting.delete(begin);
  };

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      const snapshot = await this.#source.first(this.name, this.#ended.signal);
      if (!this.#known) this.#accept(snapshot);
    } catch (error) {
      this.#endWait(error as Error);
    } finally {
      this.#asking = false;
    }
  }

  #endWait(failure?: Error): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const begin of waiting) begin(failure);
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): RegistryError {
    return new RegistryError('failed_precondition', `the client of ${this.name} is closed`);
  }
}
