/** Maglev: keys through a table of slots, shared out evenly. The usual choice by key; see `hashing/maglev-table.ts`. */

import { checkKnown, type OptionNames } from '../option-check.ts';
import { maglevNodesMax, MaglevTable } from '../hashing/maglev-table.ts';
import { byIndex, type HashBalancerFactory, hashOptions, type HashOptions, type Placement, TableBalancer } from './hash-balancer.ts';

export interface MaglevBalancerOptions extends HashOptions {
  /** Slots of the table: a prime, 100 times the number of endpoints or more; 65,537 by default. */
  readonly slots?: number;
}

const maglevOptions: OptionNames<MaglevBalancerOptions> = { ...hashOptions, slots: true };

/**
 * Keys to endpoints by Maglev's table. Weights count. O(1) per pick; an update takes a few milliseconds.
 * Endpoints beyond the number of slots or 65,536, by name, get no keys.
 * @throws RegistryError `invalid_argument` when `slots` is not a prime from 3 to 16,777,213
 */
export function maglev({ slots = 65_537, ...options }: MaglevBalancerOptions = {}): HashBalancerFactory {
  checkKnown(options, maglevOptions, 'maglev');
  // Checks the option now: in an update of the list no caller could catch the error.
  const empty = new MaglevTable([], { slots });
  const place: Placement = (nodes) => byIndex(new MaglevTable(nodes.slice(0, maglevNodesMax(empty.slots)), { slots }));
  return (random) => new TableBalancer(random, place, options);
}
