/** Gives the keys and locks of a run to porcupine, and compares its verdicts with those of our checker. */

import { keyModel, revisionsOf, type KeyOperation } from './check/key-model.ts';
import { linearizable } from './check/linearizable.ts';
import { lockModel, type LockOperation } from './check/lock-model.ts';
import { askPorcupine, type JudgedHistory } from './check/porcupine.ts';
import { operationOf, type HistoryEvent } from './history.ts';

export interface Comparison {
  /** Histories that both have judged. */
  readonly judged: number;
  /** Those of them that are not linearizable. */
  readonly broken: number;
  /** One sentence for each history on which they differ. */
  readonly differences: readonly string[];
}

export async function secondOpinion(events: readonly HistoryEvent[]): Promise<Comparison> {
  const keys = new Map<string, KeyOperation[]>();
  const locks = new Map<string, LockOperation[]>();
  for (const event of events) {
    if (event.t === 'key') keys.set(event.key, [...(keys.get(event.key) ?? []), operationOf(event.operation)]);
    if (event.t === 'lock') locks.set(event.lock, [...(locks.get(event.lock) ?? []), operationOf(event.operation)]);
  }
  const histories: (JudgedHistory & { readonly name: string })[] = [
    ...[...keys].map(([name, operations]) => ({ name, kind: 'key' as const, operations })),
    ...[...locks].map(([name, operations]) => ({ name, kind: 'lock' as const, operations })),
  ];
  const theirs = await askPorcupine(histories, 3_000);
  const ours = histories.map((history) =>
    history.kind === 'key'
      ? linearizable(keyModel(revisionsOf(history.operations).revisions), history.operations).ok
      : linearizable(lockModel, history.operations).ok,
  );
  // Both checkers give up on a history with too many overlapping operations.
  const both = histories.flatMap(({ name }, index) => {
    const [own, other] = [ours[index], theirs[index]];
    return own === undefined || other === undefined ? [] : [{ name, own, other }];
  });
  return {
    judged: both.length,
    broken: both.filter(({ own }) => !own).length,
    differences: both.flatMap(({ name, own, other }) => (own === other ? [] : [`${name} is ${own ? '' : 'not '}linearizable, and porcupine says otherwise`])),
  };
}
