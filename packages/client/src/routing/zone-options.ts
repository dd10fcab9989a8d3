/** Checks the option `zone`: names and ranges. `router.ts` and `load-spill.ts` use it. */

import { type OptionNames, checkKnown, checkWhole } from '../option-check.ts';
import { LoadSpill, type SpillListener } from './load-spill.ts';
import type { SpillByLoadOptions, ZoneOptions } from './routing-options.ts';

const zoneOptions: OptionNames<ZoneOptions> = { own: true, zoneOf: true, callers: true, sizeMin: true, spillByLoad: true };
const spillOptions: OptionNames<SpillByLoadOptions> = { threshold: true, probeShare: true };

/**
 * @returns a function that creates the controller of one level's zones; undefined when loads are not used
 * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
 */
export function spillMaker(zone: ZoneOptions, onSpill: SpillListener): (() => LoadSpill) | undefined {
  checkKnown(zone, zoneOptions, 'routing.zone');
  const { own, sizeMin, spillByLoad } = zone;
  checkWhole(sizeMin, 0, 'zone.sizeMin');
  if (spillByLoad === undefined || spillByLoad === false) return undefined;
  const options = spillByLoad === true ? {} : spillByLoad;
  checkKnown(options, spillOptions, 'routing.zone.spillByLoad');
  const make = () => new LoadSpill(own, options, onSpill);
  // Controllers are created when there are instances; wrong options are refused now.
  void make();
  return make;
}
