/** Rendezvous hashing: each key to the endpoint that scores highest for it. See `hashing/rendezvous.ts`. */

import { checkKnown } from '../option-check.ts';
import { Rendezvous } from '../hashing/rendezvous.ts';
import { byIndex, type HashBalancerFactory, hashOptions, type HashOptions, TableBalancer } from './hash-balancer.ts';

/**
 * Keys to endpoints by the highest random weight. Weights count exactly. O(endpoints) per pick, and
 * nothing to rebuild: for a few dozen endpoints, or a list that changes all the time.
 */
export function rendezvous(options: HashOptions = {}): HashBalancerFactory {
  checkKnown(options, hashOptions, 'rendezvous');
  return (random) => new TableBalancer(random, (nodes) => byIndex(new Rendezvous(nodes)), options);
}
