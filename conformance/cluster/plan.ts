/**
 * The faults of a run with their times and durations. All of them follow from the seed, so that a failing seed can be repeated.
 */

import type { FaultKind } from './deployment.ts';
import type { Random } from './seeded.ts';

export interface PlannedFault {
  readonly at: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** Makes the choices of the plan. */
  readonly random: Random;
}

export interface PlanOptions {
  readonly runMs: number;
  /** Time without faults at the beginning, and between two faults on average, in milliseconds. */
  readonly calmMs: number;
  /** Faults begin at this interval instead, in milliseconds. */
  readonly everyMs?: number | undefined;
}

/** One fault after the other; each kind comes once before one comes again. */
export function planFaults(random: Random, kinds: readonly FaultKind[], { runMs, calmMs, everyMs }: PlanOptions): PlannedFault[] {
  const plan: PlannedFault[] = [];
  let deck: FaultKind[] = [];
  for (let at = everyMs ?? calmMs; kinds.length > 0; ) {
    if (deck.length === 0) deck = shuffled(random, kinds);
    const kind = deck.pop();
    if (kind === undefined) break;
    const [least, most] = kind.lastsMs;
    const lastsMs = least + random.next() * (most - least);
    if (at + lastsMs > runMs) break;
    plan.push({ at, kind, lastsMs, random: random.fork(`fault ${plan.length}`) });
    at += everyMs ?? lastsMs + calmMs * (0.5 + random.next());
  }
  return plan;
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(random.below(rest.length), 1));
}
