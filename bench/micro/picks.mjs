/**
 * What a pick costs: nanoseconds of CPU and bytes for each balancer, by the number of endpoints, and the
 * same for a whole request as the balancer sees it (pick, then observe). Bytes are the growth of the
 * heap over a million calls without a collection in between; the loop itself allocates nothing.
 *
 *   npm run build && node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128 bench/micro/picks.mjs
 */

import { PerformanceObserver } from 'node:perf_hooks';
import { Endpoint, leastRequest, peakEwma, roundRobin, SeededRandom, uniformRandom } from '@rollcall/client';

const balancers = { 'round robin': roundRobin(), 'uniform random': uniformRandom(), 'least request': leastRequest(), 'peak EWMA': peakEwma() };
const sizes = [3, 30, 1000];
const weightings = { equal: () => 1, '1:2:5': (index) => [1, 2, 5][index % 3] };
const calls = 1_000_000;
const rounds = 7;

if (typeof globalThis.gc !== 'function') {
  console.error('run with --expose-gc --min-semi-space-size=128 --max-semi-space-size=128');
  process.exit(2);
}

const latencies = Float64Array.from({ length: 16 }, (_, index) => 5.5 + index);

const collections = [];
new PerformanceObserver((list) => collections.push(...list.getEntries())).observe({ entryTypes: ['gc'] });

// The loops are compiled for all balancers before the first one is measured.
for (const factory of Object.values(balancers)) {
  const balancer = factory(new SeededRandom(1));
  balancer.update([new Endpoint(instance(0, 1)), new Endpoint(instance(1, 1))]);
  picks(balancer);
  requests(balancer);
}

console.log(`node ${process.version}; median of ${rounds} rounds of ${calls.toLocaleString('en')} calls`);
console.log('| balancer | weights | endpoints | ns/pick | bytes/pick | ns/pick + observe | bytes/pick + observe |');
console.log('|---|---|---|---|---|---|---|');
for (const [name, factory] of Object.entries(balancers)) {
  for (const [weights, weightOf] of Object.entries(weightings)) {
    if (weights !== 'equal' && (name === 'round robin' || name === 'uniform random')) continue;
    for (const count of sizes) {
      const endpoints = Array.from({ length: count }, (_, index) => new Endpoint(instance(index, weightOf(index))));
      const balancer = factory(new SeededRandom(1));
      balancer.update(endpoints);
      const pick = await measure(() => picks(balancer));
      const request = await measure(() => requests(balancer));
      const cells = [name, weights, count, pick.ns.toFixed(1), pick.bytes.toFixed(2), request.ns.toFixed(1), request.bytes.toFixed(2)];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

function picks(balancer) {
  const context = { now: 0.5, exclude: [] };
  for (let n = 0; n < calls; n++) {
    context.now = n + 0.25;
    const endpoint = balancer.pick(context);
    // A few stay in flight, so that load matters.
    endpoint.inFlight = n & 3;
  }
}

function requests(balancer) {
  const context = { now: 0.5, exclude: [] };
  const outcome = { now: 0.5, latencyMs: 0.5, result: 'ok' };
  for (let n = 0; n < calls; n++) {
    context.now = n + 0.25;
    const endpoint = balancer.pick(context);
    outcome.now = n + 1.25;
    outcome.latencyMs = latencies[n & 15];
    balancer.observe(endpoint, outcome);
  }
}

async function measure(run) {
  run();
  run();
  const times = [];
  const bytes = [];
  while (times.length < rounds) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    const cpu = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(cpu);
    const end = performance.now();
    const after = process.memoryUsage().heapUsed;
    // The observer hears of collections a turn of the event loop later.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const disturbed = collections.some(({ startTime }) => startTime >= start && startTime <= end);
    if (disturbed) throw new Error('the heap was collected during a round; raise the semi-space');
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
