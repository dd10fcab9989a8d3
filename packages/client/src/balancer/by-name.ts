/** The balancers that a route may name, with their default options. */

import type { RouteBalancer } from '@rollcall/protocol';
import type { BalancerFactory } from './balancer.ts';
import { boundedLoad } from './bounded-load.ts';
import { c3 } from './c3.ts';
import { jump } from './hash-jump.ts';
import { maglev } from './hash-maglev.ts';
import { memento } from './hash-memento.ts';
import { rendezvous } from './hash-rendezvous.ts';
import { ringHash } from './hash-ring.ts';
import { leastConnections } from './least-connections.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { pickFirst } from './pick-first.ts';
import { prequal } from './prequal.ts';
import { responseTimeWeighted } from './response-time-weighted.ts';
import { roundRobin } from './round-robin.ts';
import { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';
import { uniformRandom } from './uniform-random.ts';
import { weightedRandom } from './weighted-random.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

/** What a failure costs, where a balancer counts it: the longest time of a try, in milliseconds; its own default when undefined. */
type ByName = (failureMs: number | undefined) => BalancerFactory;

const costOf = (failureMs: number | undefined) => (failureMs === undefined ? {} : { failureMs });

export const balancersByName: Readonly<Record<RouteBalancer, ByName>> = {
  boundedLoad: () => boundedLoad(maglev()),
  c3: (failureMs) => c3(costOf(failureMs)),
  jump: () => jump(),
  leastConnections: () => leastConnections(),
  leastRequest: () => leastRequest(),
  maglev: () => maglev(),
  memento: () => memento(),
  peakEwma: (failureMs) => peakEwma(costOf(failureMs)),
  pickFirst: () => pickFirst(),
  prequal: (failureMs) => prequal(costOf(failureMs)),
  rendezvous: () => rendezvous(),
  responseTimeWeighted: (failureMs) => responseTimeWeighted(costOf(failureMs)),
  ringHash: () => ringHash(),
  roundRobin: () => roundRobin(),
  smoothWeightedRoundRobin: () => smoothWeightedRoundRobin(),
  uniformRandom: () => uniformRandom(),
  weightedRandom: () => weightedRandom(),
  weightedRoundRobin: () => weightedRoundRobin(),
};
