/** Locks with many contenders: no transaction becomes large, whatever frees the lock, and a grant looks at the head of the queue only. */

import { describe, expect, it, test } from 'vitest';
import { etcdLimits } from '../../../engine/limited.case.ts';
import { decideBatch } from '../../batch.ts';
import { transactionBound } from '../../fill.ts';
import { Journal, type Committed } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import type { LockAcquire } from './commands.ts';
import { findContender, findLock, holdersOf, waitersOf } from './find.ts';
import type { LockQueues } from './queues.ts';
import { tokenOf } from './rows.ts';

const namespace = 'default';
const name = 'jobs';
const open = (id: string): Command => ({ kind: 'session-create', namespace, id, name: '', node: '', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] });
const close = (id: string): Command => ({ kind: 'session-destroy', namespace, id });
const acquire = (id: string, more: Partial<LockAcquire> = {}): LockAcquire => ({ kind: 'lock-acquire', namespace, name, id, session: id, limit: 1, wait: true, ...more });
const release = (id: string): Command => ({ kind: 'lock-release', namespace, name, id, session: id });
const many = (count: number, make: (id: string) => Command): Command[] => Array.from({ length: count }, (_, at) => make(`c${at}`));

/** Runs one command to its end. @param between is called after each transaction but the last @returns rows of each transaction */
function inTurns(journal: Journal, command: Command, between: () => void = () => {}): number[] {
  const rows: number[] = [];
  for (let next: Command | undefined = command; next !== undefined; ) {
    const { outcomes: [outcome], changes } = journal.step([next]) as Pick<Committed<never>, 'changes'> & { outcomes: readonly unknown[] };
    rows.push(changes.length);
    next = (outcome as { readonly next?: Command }).next;
    if (next !== undefined) between();
    else expect(outcome).toEqual({ result: true });
  }
  return rows;
}

/** Counts the contenders in queues that decisions look at. */
function looksAt({ state }: Journal): () => number {
  const queues = state.index('lock') as LockQueues;
  const waiting = queues.waiting.bind(queues);
  let looks = 0;
  queues.waiting = function* counted(...of) {
    for (const row of waiting(...of)) {
      looks++;
      yield row;
    }
  };
  return () => looks;
}

const readers = 1_000;

/** A writer holds the lock, a hundred readers and more wait for it. */
function withReaders(journal = new Journal()): Journal {
  journal.commit([open('writer'), open('r'), acquire('writer'), ...many(readers, (id) => acquire(id, { session: 'r', shared: true }))]);
  return journal;
}

function expectAllRead({ state }: Journal): void {
  const tokens = Array.from(holdersOf(state, namespace, name), tokenOf);
  expect([new Set(tokens).size, [...waitersOf(state, namespace, name)].length]).toEqual([readers, 0]);
  expect(findLock(state, namespace, name)).toMatchObject({ holding: readers, waiting: 0, shared: true });
}

describe('a thousand readers that wait for a writer get the lock in small transactions', () => {
  const ways: Readonly<Record<string, Command>> = {
    'when it releases the lock': release('writer'),
    'when its session ends': close('writer'),
    'when it hands over to one of them': { kind: 'lock-transfer', namespace, name, id: 'writer', session: 'writer', to: 'c500' },
  };
  test.each(Object.keys(ways))('%s', (way) => {
    const journal = withReaders();
    const rows = inTurns(journal, ways[way] as Command);
    expect(rows.length).toBeGreaterThan(readers / transactionBound.rows);
    expect(Math.max(...rows)).toBeLessThan(transactionBound.rows + 16);
    expectAllRead(journal);
    expect(findContender(journal.state, namespace, name, 'writer')).toBeUndefined();
  });

  it('that etcd takes', () => {
    const { state } = withReaders();
    const [first] = decideBatch(state, [close('writer')], 0, { limits: etcdLimits, guarded: true, nodeId: 'n1' }).outcomesAt(1);
    expect(first).toHaveProperty('next');
  });

  it('also if the server restarts between two of them', () => {
    const journal = withReaders();
    const restarted = inTurns(journal, close('writer'), () => journal.restart());
    expect(restarted.length).toBeGreaterThan(2);
    expectAllRead(journal);
  });

  it('and a contender that comes between two of them waits its turn, while the one that has left gets nothing', () => {
    const journal = withReaders();
    journal.commit([open('late')]);
    let came = false;
    inTurns(journal, release('writer'), () => {
      if (came) return;
      came = true;
      expect(journal.commit([acquire('late'), acquire('writer')]).outcomes).toMatchObject([{ result: 'waits' }, { error: { code: 'already_exists' } }]);
    });
    expect(came).toBe(true);
    expect(Array.from(waitersOf(journal.state, namespace, name), ({ id }) => id)).toEqual(['late']);
    expect(journal.commit([close('r')]).outcomes).toEqual([{ result: true }]);
    expect(Array.from(holdersOf(journal.state, namespace, name), ({ id }) => id)).toEqual(['late']);
  });
});

it('a session with thousands of contenders of one lock looks at the queue when all of them have left', () => {
  const journal = new Journal();
  journal.commit([open('a'), open('b'), ...many(3_000, (id) => acquire(id, { session: 'a' })), acquire('b')]);
  const { state } = journal;
  const looks = looksAt(journal);
  const rows = inTurns(journal, close('a'));
  expect(rows.length).toBeGreaterThan(3_000 / transactionBound.rows);
  expect(looks()).toBeLessThanOrEqual(2 * transactionBound.rows);
  expect(Array.from(holdersOf(state, namespace, name), ({ id }) => id)).toEqual(['b']);
});

it('a lock with 4,000 contenders is given to the next by a look at the head of the queue, whatever frees it', () => {
  const journal = new Journal();
  const names = ['x', 'y', 'z'];
  journal.commit([open('a'), open('b'), ...names.flatMap((of) => [acquire(`a${of}`, { name: of, session: 'a' }), ...many(4_200, (id) => acquire(id, { name: of, session: 'b' }))])]);
  const looks = looksAt(journal);
  expect(inTurns(journal, close('a'))).toHaveLength(1);
  for (const of of names) expect(Array.from(holdersOf(journal.state, namespace, of), ({ id }) => id)).toEqual(['c0']);
  for (let at = 0; at < 100; at++) journal.commit([{ kind: 'lock-release', namespace, name: 'x', id: `c${at}`, session: 'b' }]);
  expect(Array.from(holdersOf(journal.state, namespace, 'x'), ({ id }) => id)).toEqual(['c100']);
  expect(looks()).toBeLessThanOrEqual(2 * (names.length + 100));
});

it('a session with thousands of permits of a semaphore looks at those that get one, and not at the rest of the queue', () => {
  const journal = new Journal();
  const permits = 2_000;
  const wish = (id: string, session: string) => acquire(id, { session, limit: permits });
  journal.commit([open('a'), open('b'), ...many(permits, (id) => wish(id, 'a')), ...many(permits, (id) => wish(`next-${id}`, 'b'))]);
  const { state } = journal;
  const looks = looksAt(journal);
  const rows = inTurns(journal, close('a'));
  expect(Math.max(...rows)).toBeLessThan(transactionBound.rows + 16);
  expect(looks()).toBeLessThan(3 * permits);
  const holders = [...holdersOf(state, namespace, name)];
  expect([holders.length, new Set(holders.map(tokenOf)).size, [...waitersOf(state, namespace, name)].length]).toEqual([permits, permits, 0]);
  expect(findLock(state, namespace, name)).toMatchObject({ holding: permits, waiting: 0 });
});

it('the permits of a session go to those that have waited longest', () => {
  const journal = new Journal();
  const wish = (id: string, session: string) => acquire(id, { session, limit: 100 });
  journal.commit([open('a'), open('b'), ...many(100, (id) => wish(id, 'a')), ...many(150, (id) => wish(`next-${id}`, 'b'))]);
  inTurns(journal, close('a'));
  const expected = Array.from({ length: 100 }, (_, at) => `next-c${at}`);
  expect(Array.from(holdersOf(journal.state, namespace, name), ({ id }) => id).sort()).toEqual(expected.sort());
});
