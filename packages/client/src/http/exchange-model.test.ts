import { RegistryError } from '@rollcall/protocol';
import fc from 'fast-check';
import type { Dispatcher, Pool } from 'undici';
import { expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { Picker } from '../routing/picker.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import { uniformRandom } from '../balancer/uniform-random.ts';
import type { Endpoint } from '../endpoint.ts';
import { Breakers } from '../resilience/breaker.ts';
import { Gradient2 } from '../resilience/gradient2.ts';
import { Guard } from '../routing/guard.ts';
import { Hedging } from '../resilience/hedging.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { ServiceEvent } from '../resilience/service-event.ts';
import { Router } from '../routing/router.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { connectingOf } from './connecting.ts';
import { EndpointPools } from './endpoint-pools.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeContext, ListWait } from './exchange-context.ts';
import type { FetchHandler } from './try.ts';

/** Events of the connection of one try, and actions of a program on one request or on all. */
type Step =
  | { readonly do: 'request'; readonly method: 'GET' | 'PUT' | 'POST'; readonly body: boolean; readonly timeoutMs: number | undefined }
  | { readonly do: 'connect' | 'fail' | 'late' | 'data' | 'complete'; readonly at: number }
  | { readonly do: 'answer'; readonly at: number; readonly status: number }
  | { readonly do: 'abort'; readonly at: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'list'; readonly ids: readonly string[]; readonly zones: boolean }
  | { readonly do: 'close' };

interface Run {
  readonly guarded: boolean;
  readonly late: boolean;
  readonly zoned: boolean;
  readonly triesMax: number;
  readonly tryTimeoutMs: number;
  readonly steps: readonly Step[];
}

const hedgeShare = 0.3;
const retryShare = 0.2;
/** Requests that an endpoint may have in flight while it has a limit. */
const bulkhead = 2;

const at = fc.nat(1000);
const ids = ['a', 'b', 'c', 'd', 'e'];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({
    do: fc.constant('request' as const),
    method: fc.constantFrom('GET', 'GET', 'PUT', 'POST'),
    body: fc.boolean(),
    timeoutMs: fc.option(fc.constantFrom(-5, 0, 30, 300), { nil: undefined, freq: 3 }),
  }) },
  { weight: 14, arbitrary: fc.record({ do: fc.constantFrom('connect', 'connect', 'connect', 'fail', 'late', 'data', 'complete', 'complete'), at }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), at, status: fc.constantFrom(103, 200, 200, 200, 404, 429, 500, 502, 503, 504) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 10, 100, 1000, 2500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list' as const), ids: fc.subarray(ids), zones: fc.boolean() }) },
);
const run: fc.Arbitrary<Run> = fc.record({
  guarded: fc.boolean(),
  late: fc.boolean(),
  zoned: fc.boolean(),
  triesMax: fc.constantFrom(1, 2, 3, 5),
  tryTimeoutMs: fc.constantFrom(50, 400, Infinity),
  steps: fc.array(step, { minLength: 20, maxLength: 150 }).chain((steps) =>
    fc.boolean().map((closes): readonly Step[] => (closes ? [...steps, { do: 'close' }] : steps))),
});

/** One request as its caller sees it. */
interface Caller {
  readonly method: string;
  readonly tries: Attempt[];
  readonly ends: ('complete' | Error)[];
  answers: number;
  aborted: boolean;
  abort: (reason?: Error) => void;
}

/** One try as its connection sees it. */
interface Attempt {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly handler: FetchHandler;
  state: 'connecting' | 'sent' | 'answering' | 'over';
  /** Whether the request was written to a connection, as far as the client knows. */
  sent: boolean;
}

/** The states of a try in which each event may happen. */
const before: Record<'connect' | 'fail' | 'late' | 'answer' | 'data' | 'complete', readonly Attempt['state'][]> = {
  connect: ['connecting'],
  fail: ['connecting', 'sent', 'answering'],
  late: ['sent'],
  answer: ['sent'],
  data: ['answering'],
  complete: ['answering'],
};

/** How many times the end of each request and of each try was recorded. */
class Records {
  readonly ends: number[] = [];

  readonly telemetry = {
    begin: () => {
      const ended = this.#begun();
      const recordedTry = () => {
        const end = this.#begun();
        return { headers: {}, sending: (send: () => void) => send(), answered: end, failed: end };
      };
      return { try: recordedTry, ended };
    },
  } as unknown as Telemetry;

  #begun(): () => void {
    const index = this.ends.push(0) - 1;
    return () => void (this.ends[index]! += 1);
  }
}

/** Several callers, and a network that applies the steps to their tries. */
class World extends EndpointPools {
  readonly clock = countingClock();
  readonly #run: Run;
  readonly #context: ExchangeContext;
  readonly #router: Router;
  readonly #callers: Caller[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #events: ServiceEvent[] = [];
  /** Endpoints that were left out at least once. */
  readonly #leftOut = new Set<string>();
  readonly #wrong: unknown[] = [];
  readonly #records = new Records();
  readonly #waiting = new Set<(failure?: Error) => void>();
  #listed: readonly string[] = [];
  #known = false;
  #hedgeable = 0;
  #closed: Error | undefined;

  constructor(given: Run) {
    super(connectingOf(1000));
    this.#run = given;
    const random = new SeededRandom(1);
    const routing = given.zoned ? { zone: { own: 'x', sizeMin: 2 } } : {};
    this.#router = new Router(routing, () => new Picker(uniformRandom(), {}, random, 0, ({ instance }) => this.#leftOut.add(instance.id)), random);
    const { clock, triesMax, tryTimeoutMs } = { ...given, clock: this.clock };
    this.#context = {
      ...{ service: 'web', pools: this, clock, triesMax, tryTimeoutMs, replayBytesMax: 1000, retryAfterMaxMs: 1000 },
      picker: given.guarded ? new Guard(this.#router, new Breakers({ requestsMin: 3, openMs: 200 }), bulkhead) : this.#router,
      requests: { current: 0, answering: 0, max: 8 },
      budget: new RetryBudget({ share: retryShare, perSecond: 1 }),
      hedging: new Hedging(clock, { initialDelayMs: 90, maxShare: hedgeShare }),
      concurrency: given.guarded ? new Gradient2({ min: 4, initial: 6 }) : undefined,
      onEvent: (event) => this.#events.push(event),
      telemetry: this.#records.telemetry,
    };
    if (!given.late) this.#list(ids, given.zoned);
  }

  override get(endpoint: Endpoint): Pool {
    if (this.#closed !== undefined) throw this.#closed;
    const dispatch = ({ path }: Dispatcher.DispatchOptions, handler: FetchHandler) => {
      try {
        this.#dispatched(Number(path), endpoint, handler);
      } catch (error) {
        // The exchange would treat it as a failure of the connection.
        this.#wrong.push(error);
      }
    };
    return { dispatch } as unknown as Pool;
  }

  take(step: Step): void {
    switch (step.do) {
      case 'request':
        return this.#request(step.method, step.body, step.timeoutMs);
      case 'pass':
        return this.clock.advance(step.ms);
      case 'list':
        return this.#closed === undefined ? this.#list(step.ids, step.zones) : undefined;
      case 'close':
        return this.#close();
      case 'abort': {
        const open = this.#callers.filter(({ ends }) => ends.length === 0);
        const caller = open[step.at % open.length];
        if (caller === undefined) return;
        caller.aborted = true;
        return caller.abort(new DOMException('enough', 'AbortError'));
      }
      default: {
        const possible = this.#attempts.filter(({ state }) => before[step.do].includes(state));
        const attempt = possible[step.at % possible.length];
        if (attempt !== undefined) this.#happen(attempt, step);
      }
    }
  }

  /** Ends everything in flight: connections break, and time passes. */
  drain(): void {
    if (!this.#known) this.#list([], false);
    while (this.#attempts.some(({ state }) => state !== 'over')) {
      for (const attempt of [...this.#attempts]) if (attempt.state !== 'over') this.#broken(attempt, reset());
    }
    this.clock.advance(5000);
  }

  /** Invariants that hold at any moment. */
  check(): void {
    if (this.#wrong.length > 0) throw this.#wrong[0];
    const open = this.#callers.filter(({ ends }) => ends.length === 0).length;
    expect(this.#context.requests.current).toBe(open);
    expect(this.#waiting.size).toBe(this.#known ? 0 : open);
    for (const { method, tries, ends, answers } of this.#callers) {
      expect(ends.length).toBeLessThanOrEqual(1);
      expect(answers).toBeLessThanOrEqual(1);
      const { triesMax } = this.#run;
      expect(tries.filter(({ sent }) => sent).length).toBeLessThanOrEqual(triesMax);
      // Tries that found no connection do not count, up to ten.
      expect(tries.length).toBeLessThanOrEqual(triesMax === 1 ? 1 : triesMax + 10);
      if (method === 'POST') expect(tries.filter(({ sent }) => sent).length).toBeLessThanOrEqual(1);
    }
    // An endpoint counts its requests on connections, except abandoned tries that still wait for a connection.
    for (const endpoint of new Set(this.#attempts.map((attempt) => attempt.endpoint))) {
      const live = this.#attempts.filter((attempt) => attempt.endpoint === endpoint && attempt.state !== 'over');
      expect(endpoint.inFlight).toBeGreaterThanOrEqual(live.filter(({ state, caller }) => state === 'answering' && caller.ends.length === 0).length);
      expect(endpoint.inFlight).toBeLessThanOrEqual(live.length);
    }
  }

  /** Invariants that hold after everything has ended. */
  checkEnd(): void {
    for (const { ends, aborted, method, tries } of this.#callers) {
      expect(ends).toHaveLength(1);
      if (aborted) expect(ends[0]).toMatchObject({ name: 'AbortError' });
      const [end] = ends;
      // A caller without an answer to a non-idempotent request must not read that the request was not applied.
      if (method === 'POST' && !aborted && this.#closed === undefined && tries.some(({ sent }) => sent) && end !== 'complete') {
        expect(['unknown_outcome', 'deadline_exceeded', 'ECONNRESET']).toContain((end as Error & { code?: string }).code);
      }
    }
    for (const { endpoint } of this.#attempts) expect(endpoint.inFlight).toBe(0);
    expect(this.#records.ends).toEqual(Array.from({ length: this.#callers.length + this.#attempts.length }, () => 1));
    const seconds = 10 + this.clock.monotonic() / 1000;
    const told = (kind: ServiceEvent['kind']) => this.#events.filter((event) => event.kind === kind).length;
    expect(told('hedge')).toBeLessThanOrEqual(hedgeShare * this.#hedgeable + seconds);
    const charged = this.#events.filter((event) => event.kind === 'retry' && event.failure !== 'unsent');
    expect(charged.length).toBeLessThanOrEqual(retryShare * this.#callers.length + seconds);
    expect(this.#attempts.length).toBeLessThanOrEqual(this.#callers.length + told('hedge') + told('retry'));
    expect(this.clock.timers).toBe(0);
  }

  #request(method: string, body: boolean, timeoutMs: number | undefined): void {
    const caller: Caller = { method, tries: [], ends: [], answers: 0, aborted: false, abort: () => {} };
    const open = (what: string) => expect(caller.ends, `${what} after the end`).toEqual([]);
    const handler: FetchHandler = {
      onConnect: (abort) => (caller.abort = abort),
      onHeaders: (status) => {
        open('headers');
        if (status >= 200) caller.answers += 1;
        return true;
      },
      onData: () => {
        open('data');
        return caller.answers === 1;
      },
      onComplete: () => {
        expect(caller.answers).toBe(1);
        caller.ends.push('complete');
      },
      onError: (error) => caller.ends.push(error),
    };
    const wait: ListWait = (begin) => {
      this.#waiting.add(begin);
      return () => this.#waiting.delete(begin);
    };
    if (method !== 'POST' && !body) this.#hedgeable += 1;
    const request = { method, path: String(this.#callers.length), origin: 'http://web.rollcall', ...(body ? { body: 'text' } : {}) };
    this.#callers.push(caller);
    const deadline = timeoutMs === undefined ? undefined : { at: this.clock.monotonic() + timeoutMs };
    new Exchange(this.#context, request as Dispatcher.DispatchOptions, handler, { deadline, wait: this.#known ? undefined : wait }).start();
  }

  #dispatched(path: number, endpoint: Endpoint, handler: FetchHandler): void {
    const caller = this.#callers[path] as Caller;
    expect([caller.ends, caller.answers], 'a try after the answer').toEqual([[], 0]);
    expect(this.#listed).toContain(endpoint.instance.id);
    if (this.#run.guarded) expect(endpoint.inFlight).toBeLessThanOrEqual(bulkhead);
    const tried = caller.tries.map((attempt) => attempt.endpoint);
    // A request goes to the same endpoint twice only if no other may be asked.
    if (tried.includes(endpoint) && !this.#run.guarded) {
      const untried = this.#listed.filter((id) => !tried.some(({ instance }) => instance.id === id));
      expect(untried.filter((id) => !this.#leftOut.has(id))).toEqual([]);
    }
    const attempt: Attempt = { caller, endpoint, handler, state: 'connecting', sent: false };
    caller.tries.push(attempt);
    this.#attempts.push(attempt);
  }

  #happen(attempt: Attempt, step: Step): void {
    const { handler } = attempt;
    if (step.do === 'connect') this.#connected(attempt);
    else if (step.do === 'fail') this.#broken(attempt, reset());
    else if (step.do === 'late') this.#broken(attempt, Object.assign(new Error('late'), { code: 'UND_ERR_HEADERS_TIMEOUT' }));
    else if (step.do === 'data') handler.onData(Buffer.alloc(40_000));
    else if (step.do === 'answer') {
      if (step.status >= 200) attempt.state = 'answering';
      handler.onHeaders(step.status, [], () => {}, '');
    } else if (step.do === 'complete') {
      attempt.state = 'over';
      handler.onComplete([]);
    }
  }

  /** As in undici: a caller that aborts gets the same error from its request. */
  #connected(attempt: Attempt): void {
    attempt.state = 'sent';
    attempt.handler.onConnect((reason) => this.#broken(attempt, reason ?? new Error('aborted')));
    attempt.sent = (attempt.state as string) !== 'over';
  }

  #broken(attempt: Attempt, error: Error): void {
    if (attempt.state === 'over') return;
    attempt.state = 'over';
    attempt.handler.onError(error);
  }

  #list(given: readonly string[], zones: boolean): void {
    this.#listed = given;
    const instances = given.map((id, index) => anInstance(id, { meta: { zone: zones && index % 2 === 0 ? 'y' : 'x' } }));
    this.#router.update(instances, this.clock.monotonic());
    this.#known = true;
    this.#endWait();
  }

  #close(): void {
    const reason = new RegistryError('cancelled', 'closed');
    this.#closed = reason;
    this.#endWait(reason);
    for (const attempt of [...this.#attempts]) this.#broken(attempt, reason);
  }

  #endWait(failure?: Error): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const begin of waiting) begin(failure);
  }
}

function reset(): Error {
  return Object.assign(new Error('reset'), { code: 'ECONNRESET' });
}

/** A manual clock that knows how many timers are set. */
function countingClock() {
  const manual = manualClock();
  const set = new Set<object>();
  return {
    now: () => manual.now(),
    monotonic: () => manual.monotonic(),
    advance: (ms: number) => manual.advance(ms),
    get timers() {
      return set.size;
    },
    timer: (delayMs: number, callback: () => void) => {
      const one = {};
      set.add(one);
      const stop = manual.timer(delayMs, () => {
        set.delete(one);
        callback();
      });
      return () => {
        set.delete(one);
        stop();
      };
    },
  };
}

it('each request ends once, is sent at most as often as allowed, and frees all that it held, in every sequence of events', () => {
  fc.assert(
    fc.property(run, (given) => {
      const world = new World(given);
      for (const step of given.steps) {
        world.take(step);
        world.check();
      }
      world.drain();
      world.check();
      world.checkEnd();
    }),
    { numRuns: 800 },
  );
});
