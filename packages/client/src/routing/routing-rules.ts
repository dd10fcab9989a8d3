/**
 * The rules of one set of routing options, checked once: which instances are used, in which group each is, what it weighs, and whether a request
 * is the canary's. Keeps no instances and counts nothing, so that a router can replace it at any time.
 */

import { identityOf, subsetOf, type Instance } from '@rollcall/protocol';
import { isReady } from '../endpoint.ts';
import { checkRange, checkWhole } from '../option-check.ts';
import type { RandomSource } from '../balancer/seeded-random.ts';
import { Canary } from './canary.ts';
import { checkRoutingOptions, type RoutingOptions } from './routing-options.ts';
import { instancePredicate } from './selector.ts';
import { weighing } from './weighted-instances.ts';

/** What decides the group of an instance. */
export interface Place {
  readonly canary: boolean;
  readonly level: number;
  readonly zone: string;
}

export class RoutingRules {
  readonly options: RoutingOptions;
  readonly canary: Canary | undefined;
  readonly selects: (instance: Instance) => boolean;
  /** The instance with the weight that balancers use; undefined when it is always its own. */
  readonly weigh: ((instance: Instance) => Instance) | undefined;
  readonly #isCanary: (instance: Instance) => boolean;

  /** @throws RegistryError `invalid_argument` for an option that is unknown or out of its range; those of zones are checked elsewhere */
  constructor(options: RoutingOptions, random: RandomSource) {
    checkRoutingOptions(options);
    const { select = {}, subset, canary, priority, weights } = options;
    checkWhole(subset?.size, 1, 'subset.size');
    checkWhole(subset?.ordinal, 0, 'subset.ordinal');
    const { overprovisioning = 1 } = priority ?? {};
    checkRange(overprovisioning >= 1, 'priority.overprovisioning', overprovisioning, '1 or more');
    this.options = options;
    this.selects = instancePredicate(select, 'routing.select');
    this.canary = canary && new Canary(canary, random);
    this.#isCanary = canary === undefined ? () => false : instancePredicate(canary.select, 'routing.canary.select');
    this.weigh = weights && weighing(weights);
  }

  /** Whether the registry should lease an ordinal for `used`. */
  get wantsOrdinal(): boolean {
    return this.options.subset !== undefined && this.options.subset.ordinal === undefined;
  }

  /** The instances of a list to which requests may go: those that are selected and in the subset. */
  used(instances: readonly Instance[], ordinal: number): readonly Instance[] {
    const selected = instances.filter(this.selects);
    if (this.canary === undefined) return this.#subset(selected, ordinal);
    const isNone = (instance: Instance) => !this.#isCanary(instance);
    // The canary has a separate subset: a subset of all instances might contain no canary.
    return [...this.#subset(selected.filter(isNone), ordinal), ...this.#subset(selected.filter(this.#isCanary), ordinal)];
  }

  placeOf(instance: Instance): Place {
    const { priority, zone } = this.options;
    return {
      canary: this.#isCanary(instance),
      level: priority === undefined ? 0 : numberOf((priority.levelOf ?? levelInMeta)(instance)),
      zone: zone === undefined ? '' : (zone.zoneOf ?? zoneOfInstance)(instance),
    };
  }

  #subset(instances: readonly Instance[], ordinal: number): readonly Instance[] {
    const { subset } = this.options;
    if (subset === undefined) return instances;
    return subsetOf(instances.map(identityOf), ordinal, subset.size, (index) => isReady(instances[index] as Instance)).map((index) => instances[index] as Instance);
  }
}

function levelInMeta({ meta }: Instance): number {
  return Number(meta['priority'] ?? 0);
}

function numberOf(level: number): number {
  return Number.isFinite(level) ? level : 0;
}

function zoneOfInstance({ zone, meta }: Instance): string {
  return zone ?? meta['zone'] ?? '';
}
