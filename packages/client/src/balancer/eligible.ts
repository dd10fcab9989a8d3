/**
 * Who may be chosen, by what the registry says: the filter in front of every balancer. What this
 * client itself found out about an endpoint is the business of `resilience/ejection.ts`.
 *
 * The first group that has anyone is taken:
 * 1. passing and warning instances with a weight above 0 (a registry lowers the weight of warnings);
 * 2. passing and warning instances of weight 0: weight 0 means never, unless there is nobody else;
 * 3. critical instances. It fails open: when every instance is said to be down, the one that says so
 *    may be wrong, and a request that fails is no worse than one that is not sent;
 * 4. draining instances: they still answer while they leave, and nobody else is left (as for
 *    terminating endpoints in Kubernetes, KEP-1669).
 */

import { type Endpoint, isReady } from '../endpoint.ts';

const groups: readonly ((endpoint: Endpoint) => boolean)[] = [
  ({ instance }) => isReady(instance) && instance.weight > 0,
  ({ instance }) => isReady(instance),
  ({ instance }) => instance.status === 'critical',
  ({ instance }) => instance.status === 'draining',
];

/** The endpoints that a balancer may choose from, in the order given; empty only for an empty list. */
export function eligible(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  for (const group of groups) {
    const members = endpoints.filter(group);
    if (members.length > 0) return members;
  }
  return [];
}
