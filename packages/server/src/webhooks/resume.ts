/**
 * What has happened since the revision up to which a webhook is done: for a process that begins to send for it, after a start or from another node. It
 * reads the rows of today, and the registry as of that revision; it changes nothing.
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { History } from '../history/history.ts';
import { configsIn, historyOf } from '../registry/kind/config/find.ts';
import type { ReleaseRow } from '../registry/kind/config/rows.ts';
import { findMembers } from '../registry/kind/member/find.ts';
import type { State } from '../registry/state.ts';
import type { Conditions, Turn } from './conditions.ts';
import type { WebhookEvent } from './event.ts';
import { ofStep, thoseWhoLeft } from './events-in.ts';

export interface Missed {
  /** In the order in which they happened. */
  readonly events: readonly WebhookEvent[];
  /** Statuses that differ from those of then. */
  readonly turns: readonly Turn[];
  /** False: the history does not reach back, so turns and members are unknown. */
  readonly isWhole: boolean;
}

export interface MissedQuestion {
  readonly namespace: string;
  /** Events after this revision. */
  readonly after: number;
  /** Events up to this one; later ones come by themselves. */
  readonly upTo: number;
  /** Statuses that were told after it, by the keys of subjects. */
  readonly told: ReadonlyMap<string, boolean>;
}

export interface MissedSources {
  readonly state: State;
  readonly history: Pick<History, 'at'>;
  readonly conditions: Conditions;
}

export async function missedSince({ state, history, conditions }: MissedSources, { told, ...question }: MissedQuestion): Promise<Missed> {
  const { namespace, after, upTo } = question;
  if (after >= upTo) return { events: [], turns: [], isWhole: true };
  let turns: readonly Turn[] = [];
  let left: readonly WebhookEvent[] = [];
  let isWhole = false;
  try {
    const past = await history.at({ revision: after });
    try {
      turns = await conditions.turnedSince(past.frozen, namespace, told);
      const [before, now] = [findMembers(past.frozen), findMembers(state)];
      if (namespace === defaultNamespace && before !== undefined && now !== undefined) left = thoseWhoLeft(before, now);
      isWhole = true;
    } finally {
      past.release();
    }
  } catch (error) {
    // Without a history, or before it begins.
    if (!isRegistryError(error)) throw error;
    turns = await conditions.turnedSince(undefined, namespace, told);
  }
  return { events: [...stepsSince(state, question).flatMap(ofStep), ...left], turns, isWhole };
}

/** Steps of configurations are rows, so no history is needed. */
function stepsSince(state: State, { namespace, after, upTo }: Omit<MissedQuestion, 'told'>): readonly ReleaseRow[] {
  const steps: ReleaseRow[] = [];
  for (const row of [...configsIn(state, namespace)]) {
    if (row.modified <= after) continue;
    for (const step of historyOf(state, row)) {
      if (step.created <= after) break;
      if (step.created <= upTo) steps.push(step);
    }
  }
  return steps.sort((a, b) => a.created - b.created || a.number - b.number);
}
