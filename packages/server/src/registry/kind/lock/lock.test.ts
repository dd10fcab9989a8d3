/** Locks: who gets one, in which order, with which token, and what frees it. */

import { describe, expect, it, test } from 'vitest';
import { Journal } from '../../journal.case.ts';
import { encodeRow, keyOf, type Command } from '../../kinds.ts';
import { restoreCommand } from '../../restore.ts';
import { lockLimits, type LockAcquire } from './commands.ts';
import { findContender, findLock, holdersOf, waitersOf } from './find.ts';
import { holds, partsOf, tokenOf } from './rows.ts';
import { contenderView, locksView, lockView } from './views.ts';

const namespace = 'default';
const name = 'jobs/nightly';

const open = (id: string): Command => ({ kind: 'session-create', namespace, id, name: '', node: '', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] });
const close = (id: string): Command => ({ kind: 'session-destroy', namespace, id });
/** A contender `a` of session `a`, unless it says otherwise. */
const acquire = (id: string, more: Partial<LockAcquire> = {}): LockAcquire => ({ kind: 'lock-acquire', namespace, name, id, session: id, limit: 1, wait: true, ...more });
const release = (id: string, session = id): Command => ({ kind: 'lock-release', namespace, name, id, session });
const transfer = (id: string, to: string): Command => ({ kind: 'lock-transfer', namespace, name, id, session: id, to });

function answers(journal: Journal, ...commands: Command[]): unknown[] {
  return journal.commit(commands).outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.result));
}

function holders({ state }: Journal, of = name): string[] {
  return Array.from(holdersOf(state, namespace, of)).sort((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1)).map(({ id }) => id);
}

function waiters({ state }: Journal, of = name): string[] {
  return Array.from(waitersOf(state, namespace, of)).sort((a, b) => a.order - b.order).map(({ id }) => id);
}

function token({ state }: Journal, id: string): bigint {
  const row = findContender(state, namespace, name, id);
  if (!holds(row)) throw new Error(`${id} does not hold it`);
  return tokenOf(row);
}

function withSessions(...ids: string[]): Journal {
  const journal = new Journal();
  answers(journal, ...ids.map(open));
  return journal;
}

describe('what observers see', () => {
  it('a contender has the time when it came, and the time when it got the lock, however it got it', () => {
    const journal = withSessions('a', 'b', 'c', 'd');
    const at = (now: number, ...commands: Command[]) => journal.commit(commands, now);
    at(10, acquire('a'), acquire('b'));
    at(20, acquire('c'), acquire('d'));
    const times = () => ['a', 'b', 'c', 'd'].map((id) => findContender(journal.state, namespace, name, id)).map((row) => row && [row.cameMs, row.gotMs]);
    expect(times()).toEqual([[10, 10], [10, undefined], [20, undefined], [20, undefined]]);
    at(30, release('a'));
    expect(times()).toEqual([undefined, [10, 30], [20, undefined], [20, undefined]]);
    at(40, transfer('b', 'd'));
    expect(times()).toEqual([undefined, undefined, [20, undefined], [20, 40]]);
    at(50, close('d'));
    expect(times()).toEqual([undefined, undefined, [20, 50], undefined]);
    // A request that is repeated later changes neither.
    at(60, acquire('c'));
    expect(times()).toEqual([undefined, undefined, [20, 50], undefined]);
  });

  it('the purpose of a lock is the first that is said, while the lock is in use', () => {
    const journal = withSessions('a', 'b', 'c');
    const purpose = () => findLock(journal.state, namespace, name)?.purpose;
    answers(journal, acquire('a'));
    expect(purpose()).toBeUndefined();
    answers(journal, acquire('b', { purpose: 'election' }), acquire('c', { purpose: 'lock' }));
    expect(purpose()).toBe('election');
    answers(journal, release('a'), release('b'));
    expect([holders(journal), purpose()]).toEqual([['c'], 'election']);
    answers(journal, release('c'));
    answers(journal, acquire('a', { id: 'a2', purpose: 'lock' }));
    expect(purpose()).toBe('lock');
  });

  it('rows of an older Rollcall have neither', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), acquire('b'));
    const older = (row: { readonly cameMs?: number; readonly gotMs?: number }) => ({ ...row, cameMs: undefined, gotMs: undefined });
    journal.rewrite(['a', 'b'].map((id) => ({ key: keyOf(findContender(journal.state, namespace, name, id) as never), value: encodeRow(older(findContender(journal.state, namespace, name, id) as never) as never) })).concat([{ key: `lock\0${namespace}\0${name}`, value: encodeRow(findLock(journal.state, namespace, name) as never) }]));
    expect([holders(journal), waiters(journal)]).toEqual([['a'], ['b']]);
    expect(findContender(journal.state, namespace, name, 'a')).not.toHaveProperty('gotMs');
  });
});

describe('a lock', () => {
  it('goes to the first, and then to those that wait, in their order', () => {
    const journal = withSessions('a', 'b', 'c');
    expect(answers(journal, acquire('a'), acquire('b'), acquire('c'))).toEqual(['holds', 'waits', 'waits']);
    expect([holders(journal), waiters(journal)]).toEqual([['a'], ['b', 'c']]);
    expect(answers(journal, release('a'))).toEqual([true]);
    expect([holders(journal), waiters(journal)]).toEqual([['b'], ['c']]);
    expect(answers(journal, release('c'), release('b'))).toEqual([true, true]);
    expect([holders(journal), waiters(journal), findLock(journal.state, namespace, name)]).toEqual([[], [], undefined]);
  });

  it('a request that is repeated changes nothing, whether its contender waits or holds', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), acquire('b'));
    const { revision } = journal.state;
    expect(answers(journal, acquire('a'), acquire('b'))).toEqual(['holds', 'waits']);
    expect(journal.state.revision).toBe(revision);
    answers(journal, release('a'));
    expect(answers(journal, acquire('b'), release('a'))).toEqual(['holds', false]);
  });

  it('is busy for a contender that does not wait, and that one leaves no trace', () => {
    const journal = withSessions('a', 'b');
    expect(answers(journal, acquire('a'), acquire('b', { wait: false }))).toEqual(['holds', 'busy']);
    expect(findContender(journal.state, namespace, name, 'b')).toBeUndefined();
  });

  it('is refused without a session, with the id of another session, and with another limit than that in use', () => {
    const journal = withSessions('a', 'b');
    expect(answers(journal, acquire('x'), acquire('a'), acquire('a', { session: 'b' }), acquire('b', { limit: 2 }), acquire('b', { limit: 2, shared: true, name: 'other' }))).toEqual([
      'not_found',
      'holds',
      'already_exists',
      'failed_precondition',
      'invalid_argument',
    ]);
    expect(answers(journal, release('a', 'b'), release('a'), acquire('b', { limit: 2 }))).toEqual([false, true, 'holds']);
  });

  it('has a limit of contenders', () => {
    const journal = withSessions('a');
    const many = Array.from({ length: lockLimits.contendersMax + 1 }, (_, at) => acquire(`c${at}`, { session: 'a' }));
    expect(answers(journal, ...many).slice(-2)).toEqual(['waits', 'resource_exhausted']);
  });

  it('of one namespace is another one than that of the same name in another namespace', () => {
    const journal = withSessions('a');
    answers(journal, { kind: 'namespace-put', name: 'team' }, { ...open('b'), namespace: 'team' } as Command);
    expect(answers(journal, acquire('a'), acquire('b', { namespace: 'team' }))).toEqual(['holds', 'holds']);
    expect(answers(journal, { kind: 'namespace-delete', name: 'team' })).toEqual([true]);
    expect(Array.from(journal.state.rows(), ([key]) => key).filter((key) => key.includes('\0team\0') && !key.startsWith('view'))).toEqual([]);
    expect(holders(journal)).toEqual(['a']);
  });
});

describe('the next contender gets the lock in the transaction that frees it', () => {
  const ways: Readonly<Record<string, (journal: Journal) => Command>> = {
    'a release': () => release('a'),
    'the end of the session': () => close('a'),
    'a verdict on the session': ({ state }) => ({ kind: 'session-destroy', namespace, id: 'a', judged: { key: `session\0${namespace}\0a`, revision: state.get(`session\0${namespace}\0a`)?.modified ?? 0 } }),
    'a transfer': () => transfer('a', 'b'),
  };
  test.each(Object.keys(ways))('%s', (way) => {
    const journal = withSessions('a', 'b', 'c');
    answers(journal, acquire('a'), acquire('b'), acquire('c'));
    const before = journal.state.revision;
    expect(answers(journal, (ways[way] as (journal: Journal) => Command)(journal))).toEqual([true]);
    expect([journal.state.revision, holders(journal), waiters(journal)]).toEqual([before + 1, ['b'], ['c']]);
  });

  it('the removal of the node that the session is on, and the failure of its check', () => {
    for (const end of ['node', 'check'] as const) {
      const journal = withSessions('b');
      answers(
        journal,
        { kind: 'register', namespace, nodeMode: 'ensure', node: { name: 'n', address: '10.0.0.1' }, checks: [{ id: 'c', name: 'c', status: 'passing' }] },
        { ...open('a'), node: 'n', checks: [{ namespace: 'default', id: 'c' }] } as Command,
      );
      answers(journal, acquire('a'), acquire('b'));
      answers(journal, end === 'node' ? { kind: 'deregister-node', node: 'n' } : { kind: 'update-checks', updates: [{ namespace, node: 'n', id: 'c', status: 'critical' }] });
      expect([end, holders(journal)]).toEqual([end, ['b']]);
    }
  });

  it('a contender whose own session is ending gets nothing', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), acquire('a2', { session: 'a' }), acquire('b'));
    expect(answers(journal, close('a'))).toEqual([true]);
    expect([holders(journal), waiters(journal)]).toEqual([['b'], []]);
  });

  it('a session that holds many locks frees all of them, in several transactions if need be', () => {
    const journal = withSessions('a', 'b');
    const names = Array.from({ length: 1_000 }, (_, at) => `l${at}`);
    answers(journal, ...names.flatMap((each) => [acquire(`a${each}`, { name: each, session: 'a' }), acquire(`b${each}`, { name: each, session: 'b' })]));
    answers(journal, close('a'));
    expect(names.filter((each) => holders(journal, each)[0] !== `b${each}`)).toEqual([]);
  });
});

describe('a transfer', () => {
  it('passes the contenders that wait before', () => {
    const journal = withSessions('a', 'b', 'c');
    answers(journal, acquire('a'), acquire('b'), acquire('c'));
    expect(answers(journal, transfer('b', 'c'), transfer('a', 'x'), transfer('a', 'a'), transfer('a', 'c'))).toEqual([false, 'not_found', 'not_found', true]);
    expect([holders(journal), waiters(journal)]).toEqual([['c'], ['b']]);
    expect(answers(journal, transfer('a', 'b'))).toEqual([false]);
  });
});

describe('a semaphore', () => {
  it('has as many holders as its limit', () => {
    const journal = withSessions('a', 'b', 'c', 'd');
    expect(answers(journal, ...['a', 'b', 'c', 'd'].map((id) => acquire(id, { limit: 2 })))).toEqual(['holds', 'holds', 'waits', 'waits']);
    answers(journal, release('b'));
    expect([holders(journal), waiters(journal)]).toEqual([['a', 'c'], ['d']]);
  });
});

describe('a read/write lock', () => {
  const read = (id: string) => acquire(id, { shared: true });

  it('is shared by readers, and a writer that waits stops those that come after it', () => {
    const journal = withSessions('r1', 'r2', 'w', 'r3', 'r4');
    expect(answers(journal, read('r1'), read('r2'), acquire('w'), read('r3'), read('r4'))).toEqual(['holds', 'holds', 'waits', 'waits', 'waits']);
    answers(journal, release('r1'));
    expect(holders(journal)).toEqual(['r2']);
    answers(journal, release('r2'));
    expect([holders(journal), waiters(journal)]).toEqual([['w'], ['r3', 'r4']]);
    answers(journal, release('w'));
    expect([holders(journal), waiters(journal)]).toEqual([['r3', 'r4'], []]);
  });

  it('readers go on when the writer before them leaves the queue', () => {
    const journal = withSessions('r1', 'w', 'r2');
    answers(journal, read('r1'), acquire('w'), read('r2'));
    answers(journal, release('w'));
    expect(holders(journal)).toEqual(['r1', 'r2']);
  });
});

describe('tokens rise strictly', () => {
  it('also of two grants in one commit, and when the lock was free between them', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), release('a'), acquire('b'));
    const { revision } = journal.state;
    expect(token(journal, 'b')).toBe((BigInt(revision) << 16n) | 1n);
    expect(partsOf(token(journal, 'b'))).toEqual({ revision, nth: 1 });
    const semaphore = withSessions('a', 'b', 'c');
    answers(semaphore, ...['a', 'b', 'c'].map((id) => acquire(id, { limit: 3 })));
    expect(['a', 'b', 'c'].map((id) => partsOf(token(semaphore, id)).nth)).toEqual([0, 1, 2]);
  });

  it('when the lock is deleted, the unused row of it pruned, and the store started again', () => {
    const journal = withSessions('a', 'b');
    let last = 0n;
    const rises = (id: string) => {
      const next = token(journal, id);
      expect(next).toBeGreaterThan(last);
      last = next;
    };
    answers(journal, acquire('a'));
    rises('a');
    answers(journal, release('a'));
    answers(journal, acquire('a'), release('a'), acquire('b'), release('b'));
    // Kept for the numbers of its grants, and forgotten later.
    expect(findLock(journal.state, namespace, name)).toMatchObject({ holding: 0, waiting: 0 });
    answers(journal, { kind: 'prune', keys: [`lock\0${namespace}\0${name}`] }, acquire('b'));
    rises('b');
    journal.restart();
    expect(token(journal, 'b')).toBe(last);
    answers(journal, release('b'), acquire('a'));
    rises('a');
  });

  it('a prune keeps a lock that is used', () => {
    const journal = withSessions('a');
    answers(journal, acquire('a'));
    answers(journal, { kind: 'prune', keys: [`lock\0${namespace}\0${name}`] });
    expect(findLock(journal.state, namespace, name)).toBeDefined();
  });

  it('a restore ends the locks of sessions that the backup does not have, and brings no holder back', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'));
    const backup = Array.from(journal.state.rows(), ([, row]) => row);
    const before = token(journal, 'a');
    answers(journal, release('a'), open('c'), acquire('c'), acquire('b'));
    expect(holders(journal)).toEqual(['c']);
    journal.commit([restoreCommand(journal.state.kinds, backup, Array.from(journal.state.rows(), ([, row]) => row), journal.state.revision)]);
    expect(holders(journal)).toEqual(['b']);
    expect(token(journal, 'b')).toBeGreaterThan(before);
  });
});

describe('a transaction with a check of a token', () => {
  const write = (of: string, { revision, nth }: { revision: number; nth: number }): Command => ({
    kind: 'txn',
    operations: [{ change: { kind: 'lock-check', namespace, name, id: of, revision, nth } }, { change: { kind: 'kv-put', namespace, key: 'cursor', value: Buffer.from(of), flags: 0n } }],
  });

  it('writes while the contender holds the lock with that token, and else nothing', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), acquire('b'));
    const parts = partsOf(token(journal, 'a'));
    expect(answers(journal, write('a', parts))[0]).toHaveProperty('reads');
    const refused = [{ at: 0, reason: 'condition', found: expect.objectContaining({ id: 'b' }) as object }];
    expect(answers(journal, write('b', parts))).toEqual([{ failures: refused }]);
    // In one batch, the release comes first.
    expect(answers(journal, release('a'), write('a', parts))).toEqual([true, { failures: [{ at: 0, reason: 'condition' }] }]);
    expect(answers(journal, write('b', { ...parts, nth: parts.nth + 1 }))).toEqual([{ failures: refused }]);
  });

  it('refuses a token from before the store went back to a backup: the lock may have been given since, and the store has forgotten it', () => {
    const journal = withSessions('a', 'b');
    answers(journal, acquire('a'), acquire('b'));
    const before = token(journal, 'a');
    journal.restart(1_000);
    expect([holders(journal), token(journal, 'a')]).toEqual([['a'], before]);
    expect(answers(journal, write('a', partsOf(before)))).toEqual([{ failures: [{ at: 0, reason: 'condition', found: expect.objectContaining({ id: 'a' }) as object }] }]);
    // Its client learns that when it renews, and leaves.
    expect(answers(journal, release('a'))).toEqual([true]);
    expect([holders(journal), token(journal, 'b') > before]).toEqual([['b'], true]);
    expect(answers(journal, write('b', partsOf(token(journal, 'b'))))[0]).toHaveProperty('reads');
  });
});

describe('views', () => {
  it('a new contender wakes no observer of the lock; a grant wakes the observers and its own contender alone', () => {
    const journal = withSessions('a', 'b', 'c');
    answers(journal, acquire('a'), acquire('b'));
    const woken: string[] = [];
    for (const [what, view] of [['lock', lockView(namespace, name)], ...['a', 'b', 'c'].map((id) => [id, contenderView(namespace, name, id)])] as const) {
      journal.views.watch(view as string, () => woken.push(what as string));
    }
    answers(journal, acquire('c'));
    expect(woken.splice(0)).toEqual(['c']);
    answers(journal, release('a'));
    expect(woken.splice(0).sort()).toEqual(['a', 'b', 'lock']);
  });

  it('their revisions do not go back when the lock is free, and when the store starts again', () => {
    const journal = withSessions('a');
    answers(journal, acquire('a'));
    answers(journal, release('a'));
    const names = [lockView(namespace, name), locksView(namespace), contenderView(namespace, name, 'a')];
    const { revision } = journal.state;
    expect(names.map((view) => journal.views.revision(view))).toEqual([revision, revision, revision]);
    journal.restart();
    expect(names.map((view) => journal.views.revision(view))).toEqual([revision, revision, revision]);
  });
});
