/**
 * Prequal: B. Wydrowski, R. Kleinberg, S. M. Rumble, A. Archer, "Load is not what you should balance:
 * Introducing Prequal", NSDI 2024. Servers report their requests in flight, from all clients, and how long a
 * request takes at that load (`load-report/`). From a few fresh reports the hot–cold rule picks the fastest
 * endpoint that is not among the most loaded.
 *
 *     answers with reports ─┐
 *                           ├──► pool of ≤ 16 ──► hot–cold rule ──► pick
 *     probes, asynchronous ─┘        └── older than 1 s, used up, or removed in turns: oldest, worst
 *
 * As published: the pool, its age limit and removals, the budget of reuse, the count of one more
 * request on use, the quantile that tells hot from cold, probes that serve later requests.
 * Different, by what the simulation in `bench/sim` shows:
 *
 * - Answers carry reports, too, so a quarter of a probe per request is as good as three probes without such reports. Without
 * any probes it is nearly as good. Removals are a quarter per request, too.
 * - The pool is at most half the endpoints (but 2), since most services have few.
 * - With fewer than two usable reports it falls back to peak EWMA instead of a uniform draw: a service
 *   whose servers report nothing, or that was idle, is balanced by what this client sees.
 *   There are no probes while there are no requests.
 * - Failures are charged (`prequal-errors.ts`).
 *
 * The weights of endpoints count for the fallback only: an endpoint's load shows its capacity.
 */

import type { Endpoint } from '../endpoint.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext, Probing } from './balancer.ts';
import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import { peakEwma } from './peak-ewma.ts';
import { PrequalErrors } from './prequal-errors.ts';
import { PrequalPool } from './prequal-pool.ts';
import { PrequalProbes } from './prequal-probes.ts';
import { PrequalThreshold } from './prequal-threshold.ts';
import { bitsRange, type RandomSource } from './seeded-random.ts';

export interface PrequalOptions {
  /**
   * Endpoints asked for their load, for each request, 0 or more. 0.25 by default, since answers to
   * requests report, too; the paper has 3. A third of it while 1,000 requests or more are in flight. Without
   * effect if the balancer has no way to ask.
   */
  readonly probesPerRequest?: number;
  /** Reports taken out of the pool for each request, from 0 to 16. 0.25 by default; the paper has 1 with 3 probes. */
  readonly removalsPerRequest?: number;
  /**
   * Share of reports below which an endpoint's requests in flight are for it not to be hot, from 0
   * (only requests in flight count) to 1 (only latency counts). 0.6 by default; 0.84 in the paper's
   * experiments, which recommends 0.6 to 0.9.
   */
  readonly hotQuantile?: number;
  /** Most reports kept, a whole number, 2 or more. 16 by default, and never more than half the endpoints, but 2. */
  readonly poolSize?: number;
  /** The latency charged for a failure, in milliseconds, 0 or more; the time-out of your requests. 1,000 by default. */
  readonly failureMs?: number;
  /**
   * How to ask an endpoint, where `ServiceClient` cannot ask, such as for gRPC. With it, probes
   * start at once; otherwise only after an answer has carried a report.
   */
  readonly probing?: Probing;
}

const prequalOptions: OptionNames<PrequalOptions> = {
  probesPerRequest: true, removalsPerRequest: true, hotQuantile: true, poolSize: true, failureMs: true,
  probing: true,
};

/** Reports older than this are dropped, in milliseconds; as in the paper. */
const ageMs = 1000;

/** δ of the paper: reports are used this much more often than they arrive, so that the pool does not run empty. */
const reuseSurplus = 1;

/** Most uses of one report, where removals alone would empty the pool. */
const reuseMax = 16;

/** Share of one answer in the average of how many answers report. */
const answerShare = 1 / 64;

/**
 * The fastest of the endpoints that are not among the most loaded, by their own reports. For servers
 * that report their load; otherwise it is peak EWMA. O(reports kept).
 * @throws RegistryError `invalid_argument` when an option is out of its range
 */
export function prequal(options: PrequalOptions = {}): BalancerFactory {
  checkKnown(options, prequalOptions, 'prequal');
  const { probesPerRequest = 0.25, removalsPerRequest = 0.25, hotQuantile = 0.6 } = options;
  const { poolSize = 16, failureMs = 1000 } = options;
  checkRange(probesPerRequest >= 0 && probesPerRequest < Infinity, 'probesPerRequest', probesPerRequest, '0 or more');
  checkRange(removalsPerRequest >= 0 && removalsPerRequest <= 16, 'removalsPerRequest', removalsPerRequest, 'from 0 to 16');
  checkRange(hotQuantile >= 0 && hotQuantile <= 1, 'hotQuantile', hotQuantile, 'from 0 to 1');
  checkRange(Number.isInteger(poolSize) && poolSize >= 2 && poolSize <= 1024, 'poolSize', poolSize, 'a whole number from 2 to 1024');
  checkRange(failureMs >= 0 && failureMs < Infinity, 'failureMs', failureMs, '0 or more');
  const settings = { probesPerRequest, removalsPerRequest, hotQuantile, poolSize, failureMs };
  return (random, probing) => new Prequal(random, settings, options.probing ?? probing, options.probing !== undefined);
}

type Settings = Required<Omit<PrequalOptions, 'probing'>>;

class Prequal implements Balancer {
  readonly #settings: Settings;
  /** Time of the current call, in milliseconds. */
  readonly #now = new Float64Array(1);
  readonly #random: RandomSource;
  readonly #fallback: Balancer;
  readonly #pool: PrequalPool;
  readonly #threshold: PrequalThreshold;
  readonly #errors: PrequalErrors;
  readonly #probes: PrequalProbes | undefined;
  #endpoints: readonly Endpoint[] = [];
  #indices = new Map<Endpoint, number>();
  /** 1 for endpoints that the current pick must not choose, by index. */
  #excluded = new Uint8Array(0);
  /** Share of the latest answers that had a report. */
  readonly #reportingShare = new Float64Array([1]);
  /** Servers may be unable to report: unless the options say how to ask, no probe is sent before the first report. */
  #mayAsk: boolean;
  /** Times that a report may be used: the budget of the paper, not rounded. */
  readonly #reuse = new Float64Array([1]);
  /** Removals due, as a fraction. */
  readonly #removalsDue = new Float64Array(1);
  #removesOldest = true;

  constructor(random: RandomSource, settings: Settings, probing: Probing | undefined, mayAsk: boolean) {
    this.#settings = settings;
    this.#random = random;
    this.#mayAsk = mayAsk;
    this.#fallback = peakEwma({ failureMs: settings.failureMs })(random);
    this.#pool = new PrequalPool(settings.poolSize, this.#now);
    this.#threshold = new PrequalThreshold(settings.hotQuantile);
    this.#errors = new PrequalErrors(settings.failureMs, this.#now);
    if (probing === undefined || settings.probesPerRequest === 0) return;
    this.#probes = new PrequalProbes(probing, settings.probesPerRequest, random, (endpoint, load, askedAt) => {
      const index = this.#indices.get(endpoint);
      if (index === undefined) return;
      this.#now[0] = askedAt;
      this.#hear(index, load);
    });
  }

  update(endpoints: readonly Endpoint[]): void {
    const count = endpoints.length;
    const moved = new Int32Array(this.#endpoints.length).fill(-1);
    const before = Int32Array.from(endpoints, (endpoint, index) => {
      const old = this.#indices.get(endpoint) ?? -1;
      if (old !== -1) moved[old] = index;
      return old;
    });
    this.#endpoints = [...endpoints];
    this.#indices = new Map(endpoints.map((endpoint, index) => [endpoint, index]));
    this.#excluded = new Uint8Array(count);
    this.#fallback.update(this.#endpoints);
    this.#errors.update(before);
    this.#probes?.update(this.#endpoints);
    this.#pool.renumber(moved);
    this.#pool.limit(Math.max(2, Math.min(this.#settings.poolSize, Math.ceil(count / 2))));
  }

  pick(context: PickContext): Endpoint | undefined {
    if (this.#endpoints.length <= 1) return this.#fallback.pick(context);
    const { exclude } = context;
    const pool = this.#pool;
    this.#now[0] = context.now;
    this.#errors.refresh();
    pool.refresh(ageMs, this.#errors.charges, this.#errors.failing);
    const threshold = this.#threshold.value;
    const excluded = exclude.length === 0 ? undefined : this.#exclude(exclude);
    let endpoint: Endpoint | undefined;
    if (pool.countBesides(excluded) < 2) {
      endpoint = this.#fallback.pick(context);
    } else {
      const slot = pool.best(threshold, excluded);
      endpoint = this.#endpoints[pool.indices[slot] as number];
      pool.use(slot);
    }
    this.#removeSome(threshold);
    if (this.#mayAsk) this.#probes?.request();
    return endpoint;
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#fallback.observe(endpoint, outcome);
    const index = this.#indices.get(endpoint);
    if (index === undefined) return;
    const { result, load } = outcome;
    this.#now[0] = outcome.now;
    if (result !== 'cancelled') this.#errors.observe(index, result !== 'ok');
    if (result === 'ok') {
      const share = this.#reportingShare[0] as number;
      this.#reportingShare[0] = share + ((load?.inFlight === undefined ? 0 : 1) - share) * answerShare;
    }
    // A server that fails at once has low load, and its reports would make all others look hot.
    if (load !== undefined && result === 'ok') this.#hear(index, load);
  }

  explain(endpoint: Endpoint, now: number): EndpointFigures {
    const index = this.#indices.get(endpoint) ?? -1;
    const figures = this.#fallback.explain?.(endpoint, now) ?? {};
    const reportOf = (at: number) => this.#pool.report(at, now, ageMs, this.#threshold.value);
    const usable = this.#endpoints.filter((_endpoint, at) => reportOf(at) !== undefined).length;
    return usable < 2 ? figures : { ...figures, part: undefined, report: reportOf(index) };
  }

  /** Takes over a report as of `#now`. */
  #hear(index: number, load: LoadReport): void {
    // Utilisation alone does not show queues.
    if (load.inFlight === undefined) return;
    const inFlight = Math.round(load.inFlight);
    this.#mayAsk = true;
    this.#threshold.hear(inFlight);
    this.#pool.put(index, inFlight, load, this.#drawUses());
  }

  /** The paper's budget b = max(1, (1 + δ) ÷ ((1 − m/n)·r − r_remove)), rounded at random to keep its mean. */
  #drawUses(): number {
    const { probesPerRequest, removalsPerRequest } = this.#settings;
    const probed = this.#probes === undefined ? 0 : probesPerRequest;
    const news = (1 - this.#pool.sizeMax / this.#endpoints.length) * (probed + (this.#reportingShare[0] as number));
    const surplus = news - removalsPerRequest;
    const budget = surplus > 0 ? (1 + reuseSurplus) / surplus : reuseMax;
    this.#reuse[0] = Math.min(reuseMax, Math.max(1, budget));
    const whole = Math.floor(this.#reuse[0]);
    return this.#random.bits() < (this.#reuse[0] - whole) * bitsRange ? whole + 1 : whole;
  }

  #removeSome(threshold: number): void {
    const pool = this.#pool;
    let due = (this.#removalsDue[0] as number) + this.#settings.removalsPerRequest;
    for (; due >= 1; due -= 1) {
      if (pool.size === 0) continue;
      pool.remove(this.#removesOldest ? pool.oldest() : pool.worst(threshold));
      this.#removesOldest = !this.#removesOldest;
    }
    this.#removalsDue[0] = due;
  }

  #exclude(exclude: readonly Endpoint[]): Uint8Array {
    this.#excluded.fill(0);
    for (const endpoint of exclude) {
      const index = this.#indices.get(endpoint);
      if (index !== undefined) this.#excluded[index] = 1;
    }
    return this.#excluded;
  }
}
