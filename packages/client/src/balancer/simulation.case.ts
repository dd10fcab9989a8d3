/**
 * A discrete-event simulation that drives a shipped balancer against modelled backends on a virtual
 * clock: open loop, since a closed loop hides overload. The same seed gives the same run.
 */

import type { Instance } from '@rollcall/protocol';
import { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, OutcomeResult } from './balancer.ts';
import { SeededRandom } from './seeded-random.ts';

/** Normal deviate by Box and Muller. */
export function normal(mean: number, deviation: number, random: SeededRandom): number {
  return mean + deviation * Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

export function anInstance(id: string, fields: Partial<Instance> = {}): Instance {
  const plain = { node: 'n1', address: '10.0.0.1', port: 8080, tags: [], meta: {}, weight: 1, status: 'passing' } as const;
  return { id, service: 'web', ...plain, ...fields };
}

export function someEndpoints(count: number, fields: (index: number) => Partial<Instance> = () => ({})): Endpoint[] {
  return Array.from({ length: count }, (_, index) => new Endpoint(anInstance(`web-${index}`, fields(index))));
}

export interface Simulated {
  readonly latencyMs: number;
  readonly result: OutcomeResult;
}

export interface Simulation {
  readonly balancer: BalancerFactory;
  readonly endpoints: readonly Endpoint[];
  /** The result of a request that reaches `backend` at `now` milliseconds. */
  readonly serve: (backend: number, now: number, random: SeededRandom) => Simulated;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface SimulatedRequest extends Simulated {
  readonly backend: number;
  readonly at: number;
}

/** Requests in the order of their arrival. */
export function simulate(simulation: Simulation): SimulatedRequest[] {
  const requests: SimulatedRequest[] = [];
  simulateEach(simulation, (backend, at, simulated) => requests.push({ ...simulated, backend, at }));
  return requests;
}

/** @param hear called with each request as it is sent, for runs that are too long to be kept */
export function simulateEach(
  { balancer: factory, endpoints, serve, perSecond, seconds, seed }: Simulation,
  hear: (backend: number, at: number, simulated: Simulated) => void,
): void {
  const random = new SeededRandom(seed);
  const balancer = factory(random);
  balancer.update(endpoints);
  const pending = new Heap();
  const count = perSecond * seconds;
  for (let n = 0; n < count; n++) {
    const now = (n * 1000) / perSecond;
    for (let next = pending.first; next !== undefined && next.end <= now; next = pending.first) {
      pending.shift();
      end(balancer, next);
    }
    const endpoint = balancer.pick({ now, exclude: [] });
    if (endpoint === undefined) throw new Error('the balancer picked no endpoint');
    const backend = endpoints.indexOf(endpoint);
    const simulated = serve(backend, now, random);
    endpoint.inFlight += 1;
    pending.push({ end: now + simulated.latencyMs, endpoint, simulated });
    hear(backend, now, simulated);
  }
  for (let next = pending.first; next !== undefined; next = pending.first) {
    pending.shift();
    end(balancer, next);
  }
}

interface Pending {
  readonly end: number;
  readonly endpoint: Endpoint;
  readonly simulated: Simulated;
}

function end(balancer: Balancer, { end: now, endpoint, simulated }: Pending): void {
  endpoint.inFlight -= 1;
  balancer.observe(endpoint, { now, ...simulated });
}

/** Binary heap by `end`. */
class Heap {
  readonly #items: Pending[] = [];

  get first(): Pending | undefined {
    return this.#items[0];
  }

  push(item: Pending): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((items[parent] as Pending).end <= item.end) break;
      items[at] = items[parent] as Pending;
      at = parent;
    }
    items[at] = item;
  }

  shift(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as Pending).end < (items[child] as Pending).end) child += 1;
      if ((items[child] as Pending).end >= last.end) break;
      items[at] = items[child] as Pending;
      at = child;
    }
    items[at] = last;
  }
}
