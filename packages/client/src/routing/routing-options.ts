/** Options that restrict the instances of a caller's requests before a balancer chooses. */

import type { Instance } from '@rollcall/protocol';
import type { CanaryOptions } from './canary.ts';
import { checkKnown, type OptionNames } from '../option-check.ts';
import type { InstanceFilter } from './selector.ts';
import type { WeightOptions } from './weighted-instances.ts';

export interface RoutingOptions {
  /** Only these instances are used. */
  readonly select?: InstanceFilter;
  /** At most this many of them are used, the same ones for as long as possible. */
  readonly subset?: SubsetOptions;
  /** Some of them get a share of the requests. */
  readonly canary?: CanaryOptions;
  /** Factors of the weights of some of them; the first entry that selects an instance counts. */
  readonly weights?: readonly WeightOptions[];
  /** Some of them get requests only when the capacity of others does not suffice. */
  readonly priority?: PriorityOptions;
  /** Instances in the own zone are preferred, while no instance gets more load than the others. */
  readonly zone?: ZoneOptions;
}

export interface SubsetOptions {
  /** Instances that this client uses; a whole number, 1 or more. */
  readonly size: number;
  /**
   * A number that no other client of the service has, 0 or more, dense from 0. Without it, the registry
   * leases one to this client; until then the client uses a random one.
   */
  readonly ordinal?: number;
}

export interface PriorityOptions {
  /**
   * Level of an instance, 0 for the first. By default its metadata `priority`; a value that is not a number counts as
   * 0.
   */
  readonly levelOf?: (instance: Instance) => number;
  /** How much more than its share a healthy instance can take, 1 or more; 1.4 by default. */
  readonly overprovisioning?: number;
}

export interface ZoneOptions {
  /** Zone of this caller. */
  readonly own: string;
  /** Zone of an instance; by default its `zone`, or its metadata `zone` when it has none. */
  readonly zoneOf?: (instance: Instance) => string;
  /** Number or share of callers in each zone. By default equal in all zones. */
  readonly callers?: Readonly<Record<string, number>>;
  /** With fewer ready instances than this, zones have no effect; 6 by default. */
  readonly sizeMin?: number;
  /**
   * Whether the load reports of instances decide how much traffic leaves the zone, and where it goes. By default
   * (false), and while there are no reports of the last thirty seconds, the number of instances decides.
   */
  readonly spillByLoad?: boolean | SpillByLoadOptions;
}

export interface SpillByLoadOptions {
  /**
   * By how much less headroom the own zone may have before requests leave it, as a part of the headroom of the zones
   * where they would go; from 0 up to 1. 0.2 by default: a zone at 0.6 of its capacity sends nothing to one at 0.52, and
   * one at 0.92 nothing to one at 0.9.
   */
  readonly threshold?: number;
  /**
   * Share of requests that other zones always get, so that their reports stay fresh; more than 0, up to 0.5. 0.03 by
   * default.
   */
  readonly probeShare?: number;
}

const routingOptions: OptionNames<RoutingOptions> = { select: true, subset: true, canary: true, weights: true, priority: true, zone: true };
const subsetOptions: OptionNames<SubsetOptions> = { size: true, ordinal: true };
const priorityOptions: OptionNames<PriorityOptions> = { levelOf: true, overprovisioning: true };

/**
 * `select`, `canary`, `weights` and `zone` are checked where they are used.
 * @throws RegistryError `invalid_argument` for an unknown option
 */
export function checkRoutingOptions(options: RoutingOptions): void {
  checkKnown(options, routingOptions, 'routing');
  const { subset, priority } = options;
  if (subset !== undefined) checkKnown(subset, subsetOptions, 'routing.subset');
  if (priority !== undefined) checkKnown(priority, priorityOptions, 'routing.priority');
}
