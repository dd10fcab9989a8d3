/** One lock with all its contenders, of which there may be thousands: written in slices, from one moment of the registry. It checks no rights. */

import type { LockContender } from '@rollcall/protocol';
import { Body } from '../../net/answers.ts';
import { ListWriter } from '../../net/list-writer.ts';
import { inOrder } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { findLock, holdersOf, queueOf } from '../../registry/kind/lock/find.ts';
import { holds, tokenOf, type ContenderRow } from '../../registry/kind/lock/rows.ts';
import { findSession } from '../../registry/kind/session/find.ts';

/** Microseconds, about: a contender as JSON. */
const unitsPerContender = 5;
const copiesPerUnit = 16;

/** @param frozen in the turn in which it was frozen: the queue is read as it is today */
export function* oneLock(frozen: Frozen, namespace: string, name: string, pace: Pace): Work<Body> {
  const waiting = queueOf(frozen, namespace, name);
  const holding = [...holdersOf(frozen, namespace, name)];
  if (pace.spend((waiting.length + holding.length) / copiesPerUnit)) yield;
  // In the order of their tokens.
  const holders = yield* inOrder(holding, (a, b) => a.modified - b.modified || a.nth - b.nth, pace);
  const { limit = 0, purpose } = findLock(frozen, namespace, name) ?? {};
  const out = new ListWriter();
  out.write(JSON.stringify({ namespace, name, limit, ...(purpose === undefined ? {} : { purpose }) }).slice(0, -1));
  out.write(',"holders":[');
  yield* writeAll(out, frozen, holders, pace);
  out.write('],"waiting":[');
  yield* writeAll(out, frozen, waiting, pace);
  out.write(']}\n');
  return new Body(out.finish());
}

function* writeAll(out: ListWriter, frozen: Frozen, rows: readonly ContenderRow[], pace: Pace): Work<void> {
  let separator = '';
  for (const row of rows) {
    out.write(separator + JSON.stringify(shown(frozen, row)));
    separator = ',';
    if (pace.spend(unitsPerContender)) yield;
  }
}

function shown(frozen: Frozen, row: ContenderRow): LockContender {
  const { id, session, shared, cameMs, gotMs, value } = row;
  const sinceMs = holds(row) ? gotMs : cameMs;
  const ttlMs = findSession(frozen, row.namespace, session)?.ttlMs;
  return {
    ...{ contender: id, session },
    ...(holds(row) ? { token: String(tokenOf(row)) } : {}),
    ...(shared === undefined ? {} : { shared }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(value === undefined ? {} : { value }),
  };
}
