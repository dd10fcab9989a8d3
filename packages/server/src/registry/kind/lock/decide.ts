/**
 * Decisions about locks. A lock that becomes free is given to the next contender in the same transaction, whatever frees it: a release, a
 * transfer, or the end of a session.
 *
 * The queue is first in, first out. A contender takes the lock at once only if none waits, so those that share a lock pass no
 * contender which waits to have it alone, and it waits for a bounded number of them.
 *
 * Many may share a lock that becomes free: they get it in steps (`steps.ts`). Until the last of them has it, the contender that left keeps its
 * row, as one that gets nothing, so that the rest of the work finds its lock again, also after a crash.
 *
 * On a store with other writers each decision reads the row of the lock by its key and writes it, so the scans below miss nothing: a
 * contender that another node has added has changed that row.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { Removal } from '../../removal.ts';
import type { Steps } from '../../steps.ts';
import { isOf } from '../../row.ts';
import { findLiveSession } from '../session/find.ts';
import { sessionBuckets } from '../session/keys.ts';
import { lockLimits, type LockAcquire, type LockAcquired, type LockCheck, type LockRelease, type LockTransfer } from './commands.ts';
import { findContender, findLock, type Queues } from './find.ts';
import { contenderKey, lockBuckets, lockKey } from './keys.ts';
import { holds, stands, type ContenderRow, type LockRow } from './rows.ts';

/** @throws RegistryError `not_found`, `failed_precondition`, `already_exists`, `resource_exhausted`, `invalid_argument` */
export function acquire(draft: Draft, command: LockAcquire, now: number): LockAcquired {
  const { namespace, name, id, session, limit, shared, value, purpose, wait } = command;
  const own = findContender(draft, namespace, name, id);
  if (own !== undefined) {
    if (own.session === session && own.left === undefined) return holds(own) ? 'holds' : 'waits';
    const whose = own.session === session ? 'has left' : 'belongs to another session';
    throw new RegistryError('already_exists', `contender ${id} of lock ${shown(name)} ${whose}; choose another random id`);
  }
  if (findLiveSession(draft, namespace, session) === undefined) {
    throw new RegistryError('not_found', `session ${session} does not exist, or has ended`);
  }
  if (shared === true && limit !== 1) throw new RegistryError('invalid_argument', `lock ${shown(name)}: a lock that is shared has the limit 1, not ${limit}`);
  const lock = findLock(draft, namespace, name) ?? unused(namespace, name, limit);
  if (lock.holding + lock.waiting > 0 && lock.limit !== limit) {
    throw new RegistryError('failed_precondition', `lock ${shown(name)} is in use with the limit ${lock.limit}, not ${limit}; all contenders must use the same`);
  }
  const isFree = lock.waiting === 0 && admits(lock, shared);
  if (!isFree && !wait) return 'busy';
  if (lock.holding + lock.waiting >= lockLimits.contendersMax) {
    throw new RegistryError('resource_exhausted', `lock ${shown(name)} has ${lockLimits.contendersMax} contenders, which is the limit`);
  }
  const turn = lock.turn + 1;
  const contender: ContenderRow = {
    ...{ kind: 'lock-contender', namespace, name, id, session, order: turn, cameMs: now },
    ...(shared === undefined ? {} : { shared }),
    ...(value === undefined ? {} : { value }),
    ...{ created: 0, modified: 0 },
  };
  const next: LockRow = { ...lock, limit, turn, ...(lock.purpose === undefined && purpose !== undefined ? { purpose } : {}) };
  if (isFree) draft.put<LockRow>(give(draft, next, contender, now));
  else {
    draft.put<ContenderRow>(contender);
    draft.put<LockRow>({ ...next, waiting: next.waiting + 1, given: givenHere(lock) });
  }
  return isFree ? 'holds' : 'waits';
}

export function* release(draft: Draft, { namespace, name, id, session }: LockRelease, now: number): Steps<boolean> {
  const own = findContender(draft, namespace, name, id);
  if (own?.session !== session) return false;
  yield* leave(draft, own, now);
  return true;
}

/** @throws RegistryError `not_found` when `to` does not wait for the lock */
export function* transfer(draft: Draft, { namespace, name, id, session, to }: LockTransfer, now: number): Steps<boolean> {
  const own = findContender(draft, namespace, name, id);
  if (own?.session !== session) return false;
  if (own.left === true) {
    yield* leave(draft, own, now);
    return true;
  }
  if (!holds(own)) return false;
  const next = findContender(draft, namespace, name, to);
  if (next === undefined || holds(next) || !isLive(draft, next)) {
    throw new RegistryError('not_found', `contender ${to} does not wait for lock ${shown(name)}`);
  }
  const lock = without(draft, own);
  if (!admits(lock, next.shared)) throw new RegistryError('failed_precondition', `lock ${shown(name)} has other holders, which contender ${to} cannot share it with`);
  yield* passOn(draft, own, give(draft, { ...lock, waiting: lock.waiting - 1 }, next, now), now);
  return true;
}

/** Whether the contender has the lock with this token. One that has it by an earlier command of the transaction has no token yet. */
export function check(draft: Draft, { namespace, name, id, revision, nth }: LockCheck): boolean {
  const row = findContender(draft, namespace, name, id);
  return stands(row, draft.base) && row.modified === revision && row.nth === nth;
}

/** The session of a contender ends, or its row is removed. */
export function* end({ namespace, name, id }: ContenderRow, { draft, now }: Pick<Removal, 'draft' | 'now'>): Steps<void> {
  // An earlier step of the same removal may have written it again.
  const row = findContender(draft, namespace, name, id);
  if (row === undefined) return;
  // With its namespace, a lock may go before its contenders.
  const present = findLock(draft, namespace, name);
  if (present === undefined) {
    draft.delete(contenderKey(namespace, name, id));
    return;
  }
  if (!holds(row) || isLive(draft, row)) {
    yield* leave(draft, row, now);
    return;
  }
  // Those that wait go before those that hold the lock: a lock that is free is looked for a next contender each time that one leaves.
  const others = contendersBeside(draft, row, present.waiting > 0 ? Infinity : permitsAtOnce);
  for (const other of others.filter((each) => !holds(each))) {
    yield* leave(draft, other, now);
    yield;
  }
  // Several permits of one semaphore go together: the lock's row is written once for all of them.
  let lock = without(draft, row);
  for (const other of others.filter(holds).slice(0, permitsAtOnce)) {
    if (draft.fill.full) break;
    lock = without(draft, other, lock);
  }
  yield* passOn(draft, row, lock, now);
}

/** Permits that are taken back at once; a transaction has room for them and for as many grants. */
const permitsAtOnce = 64;

/** The other contenders of the session in the same lock, in no particular order. */
function contendersBeside(draft: Draft, { namespace, name, id, session }: ContenderRow, most: number): ContenderRow[] {
  const found: ContenderRow[] = [];
  for (const row of draft.unguardedBucket(sessionBuckets.held(namespace, session))) {
    if (isOf<ContenderRow>(row, 'lock-contender') && row.name === name && row.id !== id && found.push(row) >= most) break;
  }
  return found;
}

function leave(draft: Draft, row: ContenderRow, now: number): Steps<void> {
  return passOn(draft, row, without(draft, row), now);
}

/** Gives a lock to those that are next. @param row of the contender that has left it @param lock without that one, not written yet */
function* passOn(draft: Draft, { namespace, name, id, session, order }: ContenderRow, lock: LockRow, now: number): Steps<void> {
  for (let left = lock; !settle(draft, left, now); ) {
    const own: ContenderRow = { kind: 'lock-contender', namespace, name, id, session, order, left: true, created: 0, modified: 0 };
    const written = findLock(draft, namespace, name) as LockRow;
    draft.put<LockRow>({ ...written, waiting: written.waiting + 1 });
    draft.put<ContenderRow>(own);
    yield;
    left = without(draft, own);
  }
}

/** Removes a contender. @param lock as it is, if it is not written yet @returns the lock without the contender, which is not written yet */
function without(draft: Draft, row: ContenderRow, lock = findLock(draft, row.namespace, row.name)): LockRow {
  const { namespace, name, id } = row;
  if (lock === undefined) throw new RegistryError('internal', `contender ${id} has no lock ${shown(name)}`);
  draft.delete(contenderKey(namespace, name, id));
  const { shared, ...rest } = lock;
  const holding = lock.holding - (holds(row) ? 1 : 0);
  const waiting = lock.waiting - (holds(row) ? 0 : 1);
  return { ...rest, ...(shared === true && holding > 0 ? { shared } : {}), holding, waiting, turn: lock.turn + 1, given: givenHere(lock) };
}

/** Gives a lock that has room to those that are next, and writes it. @returns false if the transaction was full before all of them had it */
function settle(draft: Draft, before: LockRow, now: number): boolean {
  let lock = before;
  let isDone = true;
  if (lock.waiting > 0 && hasRoom(lock)) {
    let looks = 0;
    for (const next of queue(draft, lock)) {
      looks++;
      if (!isLive(draft, next)) continue;
      if (!hasRoom(lock) || !admits(lock, next.shared)) break;
      if (lock !== before && draft.fill.full) {
        isDone = false;
        break;
      }
      lock = give(draft, { ...lock, waiting: lock.waiting - 1 }, next, now);
    }
    draft.fill.add(looks / looksPerRow, 0);
  }
  const { namespace, name } = lock;
  // A lock that this transaction has given already keeps its row, so that its next grant has another number.
  if (lock.holding + lock.waiting === 0 && lock.given === 0) draft.delete(lockKey(namespace, name));
  else draft.put<LockRow>(lock);
  return isDone;
}

/** Contenders that are looked at in the time that one row takes to be written. */
const looksPerRow = 16;

/** The contenders that wait, the oldest first. Those that this draft writes have come after all that are committed; one that it gives the lock is skipped. */
function* queue(draft: Draft, { namespace, name }: LockRow): Generator<ContenderRow, void, undefined> {
  const queues = draft.committedIndex('lock') as Queues | undefined;
  if (queues === undefined) throw new RegistryError('internal', 'the queues of locks are not indexed');
  for (const row of queues.waiting(namespace, name)) if (!draft.hasChanged(contenderKey(namespace, name, row.id))) yield row;
  const own = [...draft.ownOf(lockBuckets.waiters(namespace, name))] as ContenderRow[];
  yield* own.sort((a, b) => a.order - b.order);
}

function isLive(draft: Draft, { namespace, session, left }: ContenderRow): boolean {
  return left !== true && findLiveSession(draft, namespace, session) !== undefined;
}

/** @returns the lock with this holder, which is not written yet */
function give(draft: Draft, lock: LockRow, { shared, ...contender }: ContenderRow, now: number): LockRow {
  const given = givenHere(lock);
  draft.put<ContenderRow>({ ...contender, ...(shared === undefined ? {} : { shared }), nth: given, gotMs: now });
  const { shared: _before, ...rest } = lock;
  return { ...rest, ...(shared === undefined ? {} : { shared }), holding: lock.holding + 1, given: given + 1, modified: 0 };
}

/** How often the lock was given in this transaction. */
function givenHere({ modified, given }: LockRow): number {
  return modified === 0 ? given : 0;
}

function unused(namespace: string, name: string, limit: number): LockRow {
  return { kind: 'lock', namespace, name, limit, holding: 0, waiting: 0, turn: 0, given: 0, created: 0, modified: 0 };
}

function hasRoom({ holding, limit, shared }: LockRow): boolean {
  return shared === true || holding < limit;
}

/** Whether one more may hold the lock, if none waits before it. */
function admits(lock: LockRow, shared: true | undefined): boolean {
  return lock.holding === 0 || (lock.shared === shared && hasRoom(lock));
}

function shown(name: string): string {
  return JSON.stringify(name);
}
