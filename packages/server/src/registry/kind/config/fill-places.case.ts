/** For tests: what the owner of a configuration does after a stage with a count has begun. */

import type { Journal } from '../../journal.case.ts';
import { lookAt, type Look } from './alarm.ts';
import { findConfig, stagedRollout } from './find.ts';
import type { ConfigRef } from './rows.ts';

/** A whole look at the rollout that goes forward, and its steps; undefined when there is none. */
export function looked({ state }: Journal, ref: ConfigRef): (Look & { readonly steps: number }) | undefined {
  const row = findConfig(state, ref);
  const rollout = stagedRollout(row);
  if (row === undefined || rollout === undefined) return undefined;
  const look = lookAt(state, row, rollout);
  for (let steps = 0; ; steps++) {
    const { done, value } = look.next();
    if (done === true) return { ...value, steps };
  }
}

/** @returns whether a place was filled or freed */
export function fillPlaces(journal: Journal, ref: ConfigRef): boolean {
  const rollout = stagedRollout(findConfig(journal.state, ref));
  const look = looked(journal, ref);
  if (rollout === undefined || look === undefined) return false;
  const { name, release, staged: { stage } } = rollout;
  const [outcome] = journal.commit([{ kind: 'config-assign', ...ref, rollout: name, release, stage, places: look.places }]).outcomes;
  return outcome !== undefined && 'result' in outcome && outcome.result === true;
}
