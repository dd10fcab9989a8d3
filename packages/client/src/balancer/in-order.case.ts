/**
 * A balancer for tests: picks the first endpoint of the list that was not tried, so that a test knows the order of
 * tries.
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory } from './balancer.ts';

export const inOrder: BalancerFactory = () => {
  let list: readonly Endpoint[] = [];
  return {
    update: (endpoints) => (list = [...endpoints]),
    pick: ({ exclude }) => list.find((endpoint) => !exclude.includes(endpoint)),
    observe: () => {},
  } satisfies Balancer;
};
