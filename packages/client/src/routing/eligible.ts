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
 *
 * With a panic threshold, critical instances join group 1 as soon as its share is below it: the few
 * that are left could not carry the load of all, and would be the next to fail
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold).
 * Draining instances and those of weight 0 neither count nor join. The share that this client may
 * leave out on its own is bounded in `resilience/ejection.ts` likewise.
 */

import { type Endpoint, isReady } from '../endpoint.ts';
import type { Reason } from './reason.ts';

/** Which group is taken; `panic` is the first one with critical instances beside it, `none` that of an empty list. */
export type EligibleRule = 'ready' | 'weightless' | 'critical' | 'draining' | 'panic' | 'none';

export interface Eligible {
  readonly endpoints: readonly Endpoint[];
  readonly rule: EligibleRule;
}

const groups: readonly (readonly [EligibleRule, (endpoint: Endpoint) => boolean])[] = [
  ['ready', ({ instance }) => isReady(instance) && instance.weight > 0],
  ['weightless', ({ instance }) => isReady(instance)],
  ['critical', ({ instance }) => instance.status === 'critical'],
  ['draining', ({ instance }) => instance.status === 'draining'],
];

/**
 * The endpoints that a balancer may choose from, in the order given; empty only for an empty list.
 * @param panicThreshold share of instances, from 0 (no panic) to 1, that must be passing or warning
 *   for the critical ones to be left out
 */
export function eligible(endpoints: readonly Endpoint[], panicThreshold = 0): Eligible {
  for (const [rule, isMember] of groups) {
    const members = endpoints.filter(isMember);
    if (members.length === 0) continue;
    if (rule !== 'ready') return { endpoints: members, rule };
    const serving = endpoints.filter(({ instance }) => instance.status !== 'draining' && instance.weight > 0);
    return members.length < panicThreshold * serving.length ? { endpoints: serving, rule: 'panic' } : { endpoints: members, rule };
  }
  return { endpoints: [], rule: 'none' };
}

/** Why the rule leaves an endpoint out. */
export function reasonAgainst({ instance }: Endpoint, rule: EligibleRule): Reason {
  const forWeight = instance.weight === 0 && (rule === 'panic' || isReady(instance));
  return forWeight ? { kind: 'weight' } : { kind: 'status', status: instance.status };
}
