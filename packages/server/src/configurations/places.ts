/**
 * Finds who gets a release in a stage with a count, before the command that begins the stage is decided: a look at all instances takes
 * many turns of the event loop, and a decision one. When another command comes first, the places are of no use, and the owner of the
 * configuration fills them a moment later.
 */

import { inTurns } from '../in-turns.ts';
import type { Places } from '../registry/kind/config/commands.ts';
import { findConfig, stagedRollout, type StagedRollout } from '../registry/kind/config/find.ts';
import { instancesPerTurn, lookForPlaces, nextWithCount } from '../registry/kind/config/population.ts';
import { begun } from '../registry/kind/config/rollouts.ts';
import type { ConfigRef, ConfigRow, RolloutInput } from '../registry/kind/config/rows.ts';
import { newConfig } from '../registry/kind/config/steps.ts';
import type { Registry } from '../registry/registry.ts';

type State = Registry['state'];

export interface Found {
  readonly places?: Places;
}

/** Of the release that is published next. @param wanted finds its rollout, by the present row; undefined: all clients get it at once */
export async function firstPlaces(state: State, ref: ConfigRef, wanted: (row: ConfigRow) => RolloutInput | undefined): Promise<Found> {
  const row = findConfig(state, ref) ?? newConfig(ref, 0);
  const rollout = wanted(row);
  if (rollout?.plan === undefined) return {};
  const { staged, ...begins } = begun(rollout, { release: row.last + 1, md5: '' }, 0);
  const [first] = staged?.stages ?? [];
  return staged === undefined || first === undefined || !('count' in first) ? {} : find(state, row, { ...begins, staged });
}

/** Of the stage after the present one. */
export async function nextPlaces(state: State, ref: ConfigRef): Promise<Found> {
  const row = findConfig(state, ref);
  const rollout = stagedRollout(row);
  const next = rollout && nextWithCount(rollout);
  return row === undefined || next === undefined ? {} : find(state, row, next);
}

async function find(state: State, row: ConfigRow, rollout: StagedRollout): Promise<Found> {
  const { release, staged: { stage } } = rollout;
  return { places: { release, stage, instances: await inTurns(lookForPlaces(state, row, rollout), instancesPerTurn) } };
}
