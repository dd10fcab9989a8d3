/**
 * Verdicts on deadlines that have passed say which revision of a record they judged. What was said of it meanwhile, here or by another
 * node, is newer: then the verdict does nothing (docs/decisions/0039).
 */

import type { Draft } from './draft.ts';
import type { Judged } from './judged.ts';
import type { Steps } from './steps.ts';

/** Whether the record is as it was when it was judged. A command that is no verdict always stands. */
export function stands(draft: Draft, judged: Judged | undefined): boolean {
  return judged === undefined || draft.get(judged.key)?.modified === judged.revision;
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
