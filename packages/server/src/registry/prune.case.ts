/** For tests: finds the keys that a prune should name in one go. */

import { findPrunable } from './prune.ts';
import type { AnyRow } from './row.ts';
import type { State } from './state.ts';

export function prunable(state: State<AnyRow>, now: number): string[] {
  const steps = findPrunable(state, now);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
