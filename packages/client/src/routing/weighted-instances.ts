/**
 * Factors of the weights of instances, by selector: a version that gets half, or none, of what its instances weigh. Balancers see the product and
 * know nothing of the factors.
 */

import type { Instance } from '@rollcall/protocol';
import { checkKnown, checkRange, type OptionNames } from '../option-check.ts';
import { instancePredicate, type InstanceFilter } from './selector.ts';

export interface WeightOptions {
  /** The instances that get the factor. */
  readonly select: InstanceFilter;
  /** What their weight is multiplied by, 0 or more; 0: chosen only when no other instance is left. */
  readonly weight: number;
}

const weightOptions: OptionNames<WeightOptions> = { select: true, weight: true };

/**
 * @param weights the first entry that selects an instance counts
 * @returns the instance with the weight that balancers use
 * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
 */
export function weighing(weights: readonly WeightOptions[]): (instance: Instance) => Instance {
  const factors = weights.map((each) => {
    checkKnown(each, weightOptions, 'an entry of routing.weights');
    checkRange(each.weight >= 0 && each.weight < Infinity, 'routing.weights.weight', each.weight, '0 or more');
    return { selects: instancePredicate(each.select, 'routing.weights.select'), factor: each.weight };
  });
  return (instance) => {
    const factor = factors.find(({ selects }) => selects(instance))?.factor ?? 1;
    return factor === 1 ? instance : { ...instance, weight: instance.weight * factor };
  };
}
