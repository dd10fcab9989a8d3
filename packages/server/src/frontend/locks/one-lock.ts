/** One lock with all its contenders, of which there may be thousands: written in slices, from one moment of the registry. It checks no rights. */

import type { LockContender, LockRight } from '@rollcall/protocol';
import { Body } from '../../net/answers.ts';
import { ListWriter } from '../../net/list-writer.ts';
import { inOrder } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { findLock, holdersOf, queueOf } from '../../registry/kind/lock/find.ts';
import { holds, tokenOf, type ContenderRow } from '../../registry/kind/lock/rows.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';
import { shownClient } from './shown.ts';

/** Microseconds, about: a contender as JSON. */
const unitsPerContender = 5;
const copiesPerUnit = 16;

export interface LockQuestion {
  readonly namespace: string;
  readonly name: string;
  /** What the caller may do with it. */
  readonly can: readonly LockRight[];
  readonly seesAddresses: boolean;
}

/** @param frozen in the turn in which it was frozen: the queue is read as it is today */
export function* oneLock(frozen: Frozen, { namespace, name, can, seesAddresses }: LockQuestion, pace: Pace): Work<Body> {
  const waiting = queueOf(frozen, namespace, name);
  const holding = [...holdersOf(frozen, namespace, name)];
  if (pace.spend((waiting.length + holding.length) / copiesPerUnit)) yield;
  // In the order of their tokens.
  const holders = yield* inOrder(holding, (a, b) => a.modified - b.modified || a.nth - b.nth, pace);
  const { limit = 0, purpose } = findLock(frozen, namespace, name) ?? {};
  const shownOne = (row: ContenderRow): LockContender => shown(row, findSession(frozen, namespace, row.session), seesAddresses);
  const out = new ListWriter();
  out.write(JSON.stringify({ namespace, name, limit, ...(purpose === undefined ? {} : { purpose }), can }).slice(0, -1));
  out.write(',"holders":[');
  yield* writeAll(out, holders, shownOne, pace);
  out.write('],"waiting":[');
  yield* writeAll(out, waiting, shownOne, pace);
  out.write(']}\n');
  return new Body(out.finish());
}

function* writeAll(out: ListWriter, rows: readonly ContenderRow[], shownOne: (row: ContenderRow) => LockContender, pace: Pace): Work<void> {
  let separator = '';
  for (const row of rows) {
    out.write(separator + JSON.stringify(shownOne(row)));
    separator = ',';
    if (pace.spend(unitsPerContender)) yield;
  }
}

function shown(row: ContenderRow, owner: SessionRow | undefined, withAddress: boolean): LockContender {
  const { id, session, shared, cameMs, gotMs, value } = row;
  const sinceMs = holds(row) ? gotMs : cameMs;
  const ttlMs = owner?.ttlMs;
  return {
    ...{ contender: id, session, ...shownClient(owner, withAddress) },
    ...(holds(row) ? { token: String(tokenOf(row)) } : {}),
    ...(shared === undefined ? {} : { shared }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(value === undefined ? {} : { value }),
  };
}
