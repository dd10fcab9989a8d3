/**
 * The load-balancing policies for grpc-js: every balancer of this package under the name `rollcall_…`, with
 * its options as the policy's configuration in the service config
 * (https://github.com/grpc/grpc/blob/master/doc/service_config.md, `loadBalancingConfig`).
 */

import { checkKnown } from '../option-check.ts';
import type { BalancerFactory } from '../balancer/balancer.ts';
import { boundedLoad } from '../balancer/bounded-load.ts';
import { c3 } from '../balancer/c3.ts';
import { jump } from '../balancer/hash-jump.ts';
import { maglev } from '../balancer/hash-maglev.ts';
import { memento } from '../balancer/hash-memento.ts';
import { rendezvous } from '../balancer/hash-rendezvous.ts';
import { ringHash } from '../balancer/hash-ring.ts';
import { leastConnections } from '../balancer/least-connections.ts';
import { leastRequest } from '../balancer/least-request.ts';
import { peakEwma } from '../balancer/peak-ewma.ts';
import { pickFirst } from '../balancer/pick-first.ts';
import { prequal } from '../balancer/prequal.ts';
import { responseTimeWeighted } from '../balancer/response-time-weighted.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { smoothWeightedRoundRobin } from '../balancer/smooth-weighted-round-robin.ts';
import { uniformRandom } from '../balancer/uniform-random.ts';
import { weightedRandom } from '../balancer/weighted-random.ts';
import { weightedRoundRobin } from '../balancer/weighted-round-robin.ts';

/** Options that are functions are not plain values, so they exist only for the same balancer outside gRPC. */
type Policy = (config: object) => BalancerFactory;

function withoutOptions(name: string, balancer: () => BalancerFactory): Policy {
  return (config) => {
    checkKnown(config, {}, name);
    return balancer();
  };
}

export const policies = {
  bounded_load: (config) => boundedLoad(maglev(), config),
  c3,
  jump,
  least_connections: withoutOptions('least_connections', leastConnections),
  least_request: leastRequest,
  maglev,
  memento,
  peak_ewma: peakEwma,
  pick_first: pickFirst,
  // Probes use HTTP; a gRPC server reports its load with its answers.
  prequal: (config) => prequal({ ...config, probesPerRequest: 0 }),
  rendezvous,
  response_time_weighted: responseTimeWeighted,
  ring_hash: ringHash,
  round_robin: withoutOptions('round_robin', roundRobin),
  smooth_weighted_round_robin: withoutOptions('smooth_weighted_round_robin', smoothWeightedRoundRobin),
  uniform_random: withoutOptions('uniform_random', uniformRandom),
  weighted_random: withoutOptions('weighted_random', weightedRandom),
  weighted_round_robin: withoutOptions('weighted_round_robin', weightedRoundRobin),
} satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

export const policyPrefix = 'rollcall_';
