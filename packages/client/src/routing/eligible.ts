/**
 * Filters the instances by the status that the registry gives them, in front of every balancer.
 * `resilience/ejection.ts` handles what this client itself learns about an endpoint.
 *
 * The first group that has a member is used:
 * 1. passing and warning instances with a weight above 0 (a registry lowers the weight of warnings);
 * 2. passing and warning instances of weight 0: weight 0 means never, unless there is no other instance;
 * 3. critical instances. The filter fails open: when every check fails, the checks may be wrong, and a
 *    request that fails is no worse than one that is not sent;
 * 4. draining instances: they still answer while they leave (as for terminating endpoints in
 *    Kubernetes, KEP-1669);
 * 5. starting instances: they may already answer.
 *
 * Instances in maintenance are never used: an operator took them out of service, which is not an error of a
 * check.
 *
 * With a panic threshold, critical instances join group 1 as soon as its share is below it: the few remaining
 * ones could not carry the whole load, and would fail next
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold).
 * Draining and starting instances and those of weight 0 neither count nor join. `resilience/ejection.ts` also limits
 * the share that this client may leave out.
 */

import { type Endpoint, isReady } from '../endpoint.ts';
import type { Reason } from './reason.ts';

/** The group in use; `panic`: the first one joined by critical instances; `none`: no group has a member. */
export type EligibleRule = 'ready' | 'weightless' | 'critical' | 'draining' | 'starting' | 'panic' | 'none';

export interface Eligible {
  readonly endpoints: readonly Endpoint[];
  readonly rule: EligibleRule;
}

const groups: readonly (readonly [EligibleRule, (endpoint: Endpoint) => boolean])[] = [
  ['ready', ({ instance }) => isReady(instance) && instance.weight > 0],
  ['weightless', ({ instance }) => isReady(instance)],
  ['critical', ({ instance }) => instance.status === 'critical'],
  ['draining', ({ instance }) => instance.status === 'draining'],
  ['starting', ({ instance }) => instance.status === 'starting'],
];

/**
 * The endpoints from which a balancer may choose, in the given order; empty if there is none or all are in maintenance.
 * @param panicThreshold share of instances, from 0 (no panic) to 1, that must be passing or warning
 *   for the critical ones to be left out
 */
export function eligible(endpoints: readonly Endpoint[], panicThreshold = 0): Eligible {
  for (const [rule, isMember] of groups) {
    const members = endpoints.filter(isMember);
    if (members.length === 0) continue;
    if (rule !== 'ready') return { endpoints: members, rule };
    const serving = endpoints.filter(({ instance }) => (isReady(instance) || instance.status === 'critical') && instance.weight > 0);
    return members.length < panicThreshold * serving.length ? { endpoints: serving, rule: 'panic' } : { endpoints: members, rule };
  }
  return { endpoints: [], rule: 'none' };
}

/** Why the rule leaves an endpoint out. */
export function reasonAgainst({ instance }: Endpoint, rule: EligibleRule): Reason {
  const forWeight = instance.weight === 0 && (rule === 'panic' || isReady(instance));
  return forWeight ? { kind: 'weight' } : { kind: 'status', status: instance.status };
}
