/**
 * Verdicts on passed deadlines name the revision of the record that they judged. If the record has changed since, here or by
 * another node, the verdict does nothing (docs/decisions/0039). On a shared store they name their judge as well
 * (docs/decisions/0071).
 */

import type { Draft } from './draft.ts';
import type { Judge, Judged } from './judged.ts';
import type { Steps } from './steps.ts';

/**
 * Whether the record is unchanged since it was judged, and the judge still owns its deadline. Always true for a command that is
 * no verdict.
 */
export function stands(draft: Draft, judged: Judged | undefined): boolean {
  if (judged === undefined) return true;
  if (draft.get(judged.key)?.modified !== judged.revision) return false;
  const { by } = judged;
  return by === undefined || (draft.kinds.judging as readonly Judging[]).every((each) => each.mayJudge(draft, judged, by));
}

/** As it is called; the room describes it without the draft. */
interface Judging {
  mayJudge(draft: Draft, judged: Judged, by: Judge): boolean;
}

/** Does the work if the verdict stands. What goes on after a step is no longer judged, since the step itself changes the record. */
export function* ifItStands(draft: Draft, judged: Judged | undefined, work: Steps<boolean>): Steps<boolean> {
  if (!stands(draft, judged)) return false;
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    const { value: stop } = step;
    yield judged === undefined ? stop : () => ({ ...stop?.(), judged: undefined });
  }
}
