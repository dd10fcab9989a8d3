/**
 * A service as a caller sees it: who is there (`snapshot`, `instances`, `watch`), whom to ask next
 * (`pick`), and asking (`fetch`). It joins a source of instances, a picker and the transport; it
 * finds nothing itself and keeps no list longer than the source does.
 */

import { type Instance, RegistryError } from '@rollcall/protocol';
import type { BalancerFactory, OutcomeResult } from './balancer/balancer.ts';
import { peakEwma } from './balancer/peak-ewma.ts';
import { Picker } from './balancer/picker.ts';
import { SeededRandom } from './balancer/seeded-random.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import type { Endpoint } from './endpoint.ts';
import { type RequestInit, type Response, ServiceFetch, type TryOptions } from './fetch.ts';
import { EndpointPools } from './http/endpoint-pools.ts';
import { noInstance } from './http/exchange.ts';
import { type Latest, latest } from './latest.ts';
import type { EjectionOptions } from './resilience/ejection.ts';
import { RetryBudget, type RetryBudgetOptions } from './resilience/retry-budget.ts';
import type { SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';

export interface ServiceOptions {
  /** Who is chosen. `peakEwma()` by default, with `tryTimeoutMs` as the price of a failure. */
  readonly balancer?: BalancerFactory;
  /**
   * When less than this share of the instances is passing or warning, from 0 to 1, critical ones are
   * chosen, too: better some errors than all load on the few that are left. 0 by default: critical
   * ones are chosen when there are no others.
   */
  readonly panicThreshold?: number;
  /** How long instances that cannot be reached are left out. */
  readonly ejection?: EjectionOptions;
  /** Share of requests that may be retried. */
  readonly retryBudget?: RetryBudgetOptions;
  /** Tries of one request, the first included; a whole number, 1 (no retry) or more. 3 by default. */
  readonly triesMax?: number;
  /**
   * Longest one try may take until the answer's headers, in milliseconds, more than 0; then the next
   * instance is tried. No limit by default, since only the caller knows how long an answer may take.
   */
  readonly tryTimeoutMs?: number;
  /** Longest a connection may take, in milliseconds, more than 0. 2,000 by default: one lost SYN is survived. */
  readonly connectTimeoutMs?: number;
  /** Most requests in flight, and so connections; 1 or more. 10,000 by default. */
  readonly requestsMax?: number;
  /** Most bytes of an idempotent request's body kept for a retry; 0 or more. 1 MiB by default. */
  readonly replayBytesMax?: number;
}

/** What a test drives. */
export interface ServiceSurroundings {
  readonly clock?: Clock;
  /** Asked once, for the seed of the balancer. */
  readonly random?: Random;
}

/** An instance chosen for one request. Call `done` once it went well or not: balancers live on it. */
export interface Picked {
  readonly instance: Instance;
  readonly address: string;
  readonly port: number;
  /**
   * Ends the request; only the first call counts. The latency is the time since the pick.
   * @param result `ok` by default; `unreachable` also ejects the instance
   */
  done(result?: OutcomeResult): void;
}

export interface PickOptions {
  /** What was picked for this request before. */
  readonly exclude?: readonly Picked[];
  /** What the request is about (a user, a cache key): hashing balancers send equal keys to the same instance. */
  readonly key?: string;
}

export class ServiceClient {
  readonly name: string;
  readonly #source: SnapshotSource;
  readonly #clock: Clock;
  readonly #picker: Picker;
  readonly #pools: EndpointPools;
  readonly #fetch: ServiceFetch;
  readonly #stopWatch: () => void;
  readonly #watches = new Set<Latest<SourcedSnapshot>>();
  #known = false;
  #closed = false;

  /**
   * Starts to watch the service; `close` ends that.
   * @throws RegistryError `invalid_argument` when an option is out of its range
   */
  constructor(
    source: SnapshotSource,
    name: string,
    options: ServiceOptions = {},
    { clock = systemClock, random = systemRandom }: ServiceSurroundings = {},
  ) {
    const { triesMax = 3, tryTimeoutMs = Infinity, connectTimeoutMs = 2000 } = options;
    const { requestsMax = 10_000, replayBytesMax = 2 ** 20, panicThreshold = 0 } = options;
    demand(Number.isInteger(triesMax) && triesMax >= 1, 'triesMax', triesMax, 'a whole number, 1 or more');
    demand(tryTimeoutMs > 0, 'tryTimeoutMs', tryTimeoutMs, 'more than 0');
    demand(connectTimeoutMs > 0 && Number.isFinite(connectTimeoutMs), 'connectTimeoutMs', connectTimeoutMs, 'more than 0');
    demand(requestsMax >= 1, 'requestsMax', requestsMax, '1 or more');
    demand(replayBytesMax >= 0, 'replayBytesMax', replayBytesMax, '0 or more');
    demand(panicThreshold >= 0 && panicThreshold <= 1, 'panicThreshold', panicThreshold, 'from 0 to 1');
    this.name = name;
    this.#source = source;
    this.#clock = clock;
    const balancer = options.balancer ?? peakEwma(tryTimeoutMs === Infinity ? {} : { failureMs: tryTimeoutMs });
    this.#picker = new Picker(balancer, options.ejection ?? {}, new SeededRandom(random() * 2 ** 32), panicThreshold);
    this.#pools = new EndpointPools(connectTimeoutMs);
    const budget = new RetryBudget(options.retryBudget);
    const requests = { current: 0, max: requestsMax };
    this.#fetch = new ServiceFetch({
      ...{ service: name, picker: this.#picker, pools: this.#pools, budget, clock, requests },
      ...{ triesMax, tryTimeoutMs, replayBytesMax },
    });
    this.#stopWatch = source.watch(name, (snapshot) => this.#accept(snapshot));
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
   * The list now and each newer one; a slow reader gets the newest only. Ends when the client closes.
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
   * Chooses an instance for one request; synchronous. Every pick must be `done`.
   * @throws RegistryError `unavailable` when there is none, or no list is known yet: await
   *   `instances()` first
   */
  pick({ exclude, key }: PickOptions = {}): Picked {
    this.#demandOpen();
    const now = this.#clock.monotonic();
    const tried = exclude?.flatMap((picked) => (picked instanceof Pick ? [picked.endpoint] : []));
    const endpoint = this.#picker.pick(now, tried, key);
    if (endpoint !== undefined) return new Pick(endpoint, this.#picker, this.#clock, now);
    if (this.#known) throw noInstance(this.name);
    throw new RegistryError('unavailable', `no list of ${this.name} is known yet; await instances() before pick()`);
  }

  /**
   * `fetch` to an instance of this service. A request is sent again, to another instance, when
   * nothing of it was sent (no connection), or when its method is idempotent (RFC 9110 §9.2.2) and
   * the connection broke before an answer, the try took too long, or the answer was 502, 503 or 504;
   * as long as its body can be sent again (up to `replayBytesMax` of it, streams too), within
   * `triesMax` and the retry budget. An answer that breaks off after its headers is not retried.
   * @param input a path, or a URL below `http://NAME.rollcall`; the host header is the instance's
   * @throws RegistryError `unavailable` when nobody could be reached, `deadline_exceeded` when the
   *   last try took too long, `unknown_outcome` when a request that is not idempotent may have been
   *   applied, `resource_exhausted` beyond `requestsMax`, `invalid_argument` for a wrong input
   * @throws the signal's reason when it aborts; TypeError for what `fetch` itself refuses
   */
  async fetch(input: string | URL, init: Omit<RequestInit, 'dispatcher'> & TryOptions = {}): Promise<Response> {
    this.#demandOpen();
    const { tryTimeoutMs = Infinity } = init;
    demand(tryTimeoutMs > 0, 'tryTimeoutMs', tryTimeoutMs, 'more than 0');
    if (!this.#known) this.#accept(await this.#source.first(this.name, init.signal ?? undefined));
    return await this.#fetch.fetch(input, init);
  }

  /** Ends all watches and connections; requests under way fail with `cancelled`. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWatch();
    for (const values of this.#watches) values.end();
    const reason = new RegistryError('cancelled', `the client of ${this.name} was closed`);
    await Promise.all([this.#pools.destroy(reason), this.#fetch.destroy(reason)]);
  }

  #accept(snapshot: SourcedSnapshot): void {
    this.#known = true;
    this.#pools.release(this.#picker.update(snapshot.instances, this.#clock.monotonic()));
  }

  #demandOpen(): void {
    if (this.#closed) throw new RegistryError('failed_precondition', `the client of ${this.name} is closed`);
  }
}

class Pick implements Picked {
  readonly endpoint: Endpoint;
  readonly instance: Instance;
  readonly #picker: Picker;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #isDone = false;

  constructor(endpoint: Endpoint, picker: Picker, clock: Clock, now: number) {
    this.endpoint = endpoint;
    this.instance = endpoint.instance;
    this.#picker = picker;
    this.#clock = clock;
    this.#startedAt = now;
    endpoint.inFlight += 1;
  }

  get address(): string {
    return this.instance.address;
  }

  get port(): number {
    return this.instance.port;
  }

  done(result: OutcomeResult = 'ok'): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.endpoint.inFlight -= 1;
    const now = this.#clock.monotonic();
    this.#picker.observe(this.endpoint, { now, latencyMs: now - this.#startedAt, result });
  }
}

function demand(holds: boolean, option: string, value: number, wanted: string): void {
  if (!holds) throw new RegistryError('invalid_argument', `${option} is ${value}; it must be ${wanted}`);
}
