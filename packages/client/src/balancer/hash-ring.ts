/**
 * Ring hash: keys on a ring with the points of libketama. For clients that must agree with others of
 * that kind (libketama's own bindings, npm `hashring`); `maglev` balances better.
 */

import { checkKnown, type OptionNames } from '../option-check.ts';
import { ringNodesMax, RingTable } from '../hashing/ring-table.ts';
import { byIndex, type HashBalancerFactory, hashOptions, type HashOptions, type Placement, TableBalancer } from './hash-balancer.ts';

export interface RingHashOptions extends HashOptions {
  /** Mean number of points per endpoint: a multiple of 4, from 4 to 65,536; 160 by default. */
  readonly pointsPerNode?: number;
}

const ringHashOptions: OptionNames<RingHashOptions> = { ...hashOptions, pointsPerNode: true };

/**
 * Keys to endpoints on a ring. Weights count. O(1) expected per pick; an update of 1,000 endpoints with
 * 160 points takes tens of milliseconds. Of more than 26,214 endpoints (with 160 points each) those beyond, by
 * name, get no keys. To place keys as libketama does, give
 * `nameOf: ({ address, port }) => …` as its server list has it, and `keyHash: ketamaHash`.
 * @throws RegistryError `invalid_argument` when `pointsPerNode` is out of its range
 */
export function ringHash({ pointsPerNode = 160, ...options }: RingHashOptions = {}): HashBalancerFactory {
  checkKnown(options, ringHashOptions, 'ringHash');
  // Checks the option now: in an update of the list no caller could catch the error.
  const empty = new RingTable([], { pointsPerNode });
  return (random) => {
    let previous = empty;
    const place: Placement = (nodes) => {
      previous = new RingTable(nodes.slice(0, ringNodesMax(pointsPerNode)), { pointsPerNode, previous });
      return byIndex(previous);
    };
    return new TableBalancer(random, place, options);
  };
}
