/**
 * Turns the state of a router and its pickers into explanations of instances. It decides nothing: the router
 * and its pickers pass their shares, sides and lists.
 */

import type { Instance } from '@rollcall/protocol';
import type { EndpointFigures } from '../balancer/balancer.ts';
import type { EligibleRule } from './eligible.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Reason } from './reason.ts';

/**
 * `eligible`: the next request may go there. `spare`: only a request without an eligible instance goes there, such as a
 * retry. `out`: no request.
 */
export type Standing = 'eligible' | 'spare' | 'out';

/** Instances that routing treats alike; all instances without routing. */
export interface GroupExplanation {
  readonly canary: boolean;
  readonly level: number;
  /** Empty when zones are not used. */
  readonly zone: string;
  /** Share of the service's requests, from 0 to 1. When loads decide, the share at the last pick. */
  readonly share: number;
  /** Number of instances of the group, and of those that are ready, accept connections and are not ejected. */
  readonly size: number;
  readonly ready: number;
  /** The instances in use: `ready` normally, `panic` when too few are ready. */
  readonly rule: EligibleRule;
  /** Mean of its instances' latest reports; undefined before the first report, or when loads are not used. */
  readonly reported: { readonly inFlight: number; readonly utilization: number | undefined } | undefined;
  /** For the caller's own zone, when `spillByLoad` is on: whether reports or the number of instances decide now. */
  readonly spillsByLoad: boolean | undefined;
}

/** A picker's state of one endpoint. */
export interface ExplainedEndpoint {
  readonly endpoint: Endpoint;
  /** `listed`: the balancer chooses from it. `fallback`: it is used when no other is left. */
  readonly place: 'listed' | 'fallback' | 'none';
  readonly reasons: readonly Reason[];
  /** Share of the picker's requests; undefined when only loads decide. */
  readonly share: number | undefined;
  readonly figures: EndpointFigures;
}

export interface ExplainedPicker {
  readonly rule: EligibleRule;
  readonly size: number;
  readonly ready: number;
  readonly endpoints: readonly ExplainedEndpoint[];
}

/** A group of a router. */
export interface ExplainedGroup {
  readonly canary: boolean;
  readonly level: number;
  readonly zone: string;
  readonly picker: ExplainedPicker;
  /** Share of its side's requests. */
  readonly share: number;
  /** Share of the explained requests that go to it first. */
  readonly chance: number;
  readonly reported: GroupExplanation['reported'];
  readonly spillsByLoad: GroupExplanation['spillsByLoad'];
}

/** One instance, before its own limits (`routing/guard.ts`). */
export interface ExplainedInstance {
  readonly instance: Instance;
  /** Undefined for one that routing does not use. */
  readonly endpoint: Endpoint | undefined;
  readonly standing: Standing;
  readonly reasons: readonly Reason[];
  readonly share: number | undefined;
  readonly figures: EndpointFigures;
}

export interface ExplainedRouting {
  readonly groups: readonly GroupExplanation[];
  readonly instances: readonly ExplainedInstance[];
}

/**
 * @param unused instances that belong to no group, with the reason
 * @param canaryChance chance that an explained request goes to the canary
 * @param hasKey whether the request has a key, which belongs to one group
 */
export function explainRouting(
  groups: readonly ExplainedGroup[],
  unused: ReadonlyMap<Instance, Reason>,
  canaryChance: number,
  hasKey: boolean,
): ExplainedRouting {
  const instances: ExplainedInstance[] = [];
  for (const group of groups) {
    const against = group.chance > 0 ? [] : [reasonAgainst(group, groups, canaryChance, hasKey)];
    for (const { endpoint, place, reasons, share: ofPicker, figures } of group.picker.endpoints) {
      const passedOver = place === 'listed' && ofPicker === 0 ? [passedOverReason(endpoint)] : [];
      const goesThere = place === 'listed' && passedOver.length === 0 && group.chance > 0;
      const standing = place === 'none' ? 'out' : goesThere ? 'eligible' : 'spare';
      const share = !goesThere ? 0 : ofPicker === undefined ? undefined : group.chance * ofPicker;
      instances.push({ instance: endpoint.instance, endpoint, standing, reasons: [...against, ...reasons, ...passedOver], share, figures });
    }
  }
  for (const [instance, reason] of unused) {
    instances.push({ instance, endpoint: undefined, standing: 'out', reasons: [reason], share: 0, figures: {} });
  }
  const groupsOf = groups.map(({ picker: { size, ready, rule }, chance, share: _ofItsSide, ...group }) => ({ ...group, share: chance, size, ready, rule }));
  return { groups: groupsOf, instances };
}

/** The reason why the balancer gives an endpoint of its list no requests. */
function passedOverReason({ weight }: Endpoint): Reason {
  return { kind: weight === 0 ? 'weight' : 'preference' };
}

/** The reason why a group gets no request. */
function reasonAgainst(group: ExplainedGroup, groups: readonly ExplainedGroup[], canaryChance: number, hasKey: boolean): Reason {
  const { canary, level, zone, share } = group;
  const otherSide = groups.some((other) => other.canary !== canary && other.chance > 0);
  if (otherSide && (canary ? canaryChance : 1 - canaryChance) === 0) return { kind: 'canary' };
  if (hasKey && share > 0) return { kind: 'key' };
  const ofLevel = groups.filter((other) => other.canary === canary && other.level === level);
  return ofLevel.every((other) => other.share === 0) ? { kind: 'level', level } : { kind: 'zone', zone };
}
