/**
 * Shared by `picks.mjs` and the test of allocations: the balancers, two bare loops to compare them
 * with, and the measurement of a call's CPU time and bytes. It prints nothing.
 *
 * Bytes are the growth of the heap over all calls of a round without a collection in between, so the
 * process needs `nodeFlags`. The loops themselves allocate nothing.
 */

import { PerformanceObserver } from 'node:perf_hooks';
import * as client from '@rollcall/client';

const { Endpoint, SeededRandom, slowStart } = client;

/** The young generation has room for the garbage of a round that allocates. */
export const nodeFlags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];

/** By name: the factory, whether weights matter, and whether it uses the key of a request. */
const byName = {
  'pick first': { factory: client.pickFirst() },
  'uniform random': { factory: client.uniformRandom() },
  'weighted random': { factory: client.weightedRandom(), weighs: true },
  'round robin': { factory: client.roundRobin() },
  'smooth weighted round robin': { factory: client.smoothWeightedRoundRobin(), weighs: true },
  'weighted round robin': { factory: client.weightedRoundRobin(), weighs: true },
  'least request': { factory: client.leastRequest(), weighs: true },
  'least connections': { factory: client.leastConnections(), weighs: true },
  'peak EWMA': { factory: client.peakEwma(), weighs: true },
  'peak EWMA in slow start': { factory: slowStart(client.peakEwma()), weighs: true },
  'response-time weighted': { factory: client.responseTimeWeighted(), weighs: true },
  C3: { factory: client.c3(), weighs: true },
  Prequal: { factory: client.prequal() },
  Maglev: { factory: client.maglev(), hashes: true },
  'ring hash': { factory: client.ringHash(), hashes: true },
  rendezvous: { factory: client.rendezvous(), hashes: true },
  Memento: { factory: client.memento(), hashes: true },
  jump: { factory: client.jump(), hashes: true },
  'bounded loads over Maglev': { factory: client.boundedLoad(), hashes: true },
};

/** One entry for each balancer, and a second one for those to which weights make a difference. */
export const cases = Object.entries(byName).flatMap(([name, { factory, weighs, hashes = false }]) => [
  { name, factory, hashes, weights: 'equal', weightOf: () => 1 },
  ...(weighs ? [{ name, factory, hashes, weights: '1:2:5', weightOf: (index) => [1, 2, 5][index % 3] }] : []),
]);

const collections = [];
new PerformanceObserver((list) => collections.push(...list.getEntries())).observe({ entryTypes: ['gc'] });

/** A balancer of `count` endpoints that has observed each of them. */
export function prepared({ factory, weightOf }, count) {
  const endpoints = Array.from({ length: count }, (_, index) => new Endpoint(instance(index, weightOf(index))));
  const balancer = factory(new SeededRandom(1));
  balancer.update(endpoints);
  endpoints.forEach((endpoint, index) => {
    endpoint.inFlight = 1 + (index & 3);
    balancer.observe(endpoint, newOutcome(0, latencies[index & 15]));
  });
  return balancer;
}

const latencies = Float64Array.from({ length: 16 }, (_, index) => 5.5 + index);

const random = new SeededRandom(2);
const drawLoad = () => 1 + (random.bits() & 7);

/** Requests in flight in an order that no branch predictor guesses; no endpoint is idle, so no scan ends early. */
const loads = Uint8Array.from({ length: 4096 }, drawLoad);

const keys = Array.from({ length: 1024 }, (_, index) => `user-${index * 7919}`);

/** Only picks. */
export function picks(balancer, calls) {
  const context = newContext();
  for (let n = 0; n < calls; n++) {
    context.now = n * 0.01 + 0.25;
    context.key = keys[n & 1023];
    balancer.pick(context).inFlight = loads[n & 4095];
  }
}

/** A request as the balancer sees it: pick, then observe. */
export function requests(balancer, calls) {
  const context = newContext();
  const outcome = newOutcome(0.5, 0.5);
  for (let n = 0; n < calls; n++) {
    context.now = n * 0.01 + 0.25;
    context.key = keys[n & 1023];
    const endpoint = balancer.pick(context);
    endpoint.inFlight = loads[n & 4095];
    outcome.now = context.now + 1.25;
    outcome.latencyMs = latencies[n & 15];
    balancer.observe(endpoint, outcome);
  }
}

/**
 * `now` comes last on purpose: V8 shares the layout of literals that begin alike, in `{ now, … }` of a
 * clock it is a function, and so a fraction there would be boxed, 16 bytes each, by this file's own stores.
 */
const newContext = () => ({ exclude: [], key: '', now: 0.5 });
const newOutcome = (now, latencyMs) => ({ result: 'ok', load: { inFlight: 3, latencyMs: 7.5 }, latencyMs, now });

/** The least work of a round robin: no object, no call. */
export function bareRoundRobin(endpoints, calls) {
  let i = 0;
  for (let n = 0; n < calls; n++) endpoints[i++ % endpoints.length].inFlight = loads[n & 4095];
}

/** The least work of a choice of two: requests in flight in a typed array, xorshift in the loop. */
export function bareTwoChoices(inFlight, calls) {
  const count = inFlight.length;
  let state = 1;
  for (let n = 0; n < calls; n++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const first = (state >>> 8) % count;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    let second = (state >>> 8) % (count - 1);
    if (second >= first) second += 1;
    inFlight[inFlight[second] < inFlight[first] ? second : first] = loads[n & 4095];
  }
}

/**
 * Lets V8 compile the loops for all balancers before the first one is measured: with one balancer only it
 * would inline it, and the figures would depend on the order.
 */
export function warmUp() {
  for (const each of cases) {
    picks(prepared(each, 3), 100_000);
    requests(prepared(each, 3), 100_000);
  }
}

/** CPU time in nanoseconds and bytes per call: medians of `rounds` rounds, after some that are not counted. */
export async function measure(run, calls, rounds, uncounted = 2) {
  for (let n = 0; n < uncounted; n++) run(calls);
  const times = [];
  const bytes = [];
  while (times.length < rounds) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    const cpu = process.cpuUsage();
    run(calls);
    const { user, system } = process.cpuUsage(cpu);
    const end = performance.now();
    const after = process.memoryUsage().heapUsed;
    // The observer hears of collections a turn of the event loop later.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const disturbed = collections.splice(0).some(({ startTime }) => startTime >= start && startTime <= end);
    if (disturbed) throw new Error(`the heap was collected during a round; run with ${nodeFlags.join(' ')}`);
    times.push(((user + system) * 1e3) / calls);
    bytes.push((after - before) / calls);
  }
  return { ns: median(times), bytes: median(bytes) };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function instance(index, weight) {
  const rest = { service: 'web', node: 'n', tags: [], meta: {}, status: 'passing' };
  return { id: `web-${index}`, address: '10.0.0.1', port: 8000 + index, weight, ...rest };
}
