/**
 * Members join, drain and leave; each deadline has one owner among them; only the owner, in its present epoch, passes a
 * verdict.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { staysHere } from '../../../backup/backup.ts';
import { decideBatch } from '../../batch.ts';
import { Journal } from '../../journal.case.ts';
import type { Judge } from '../../judged.ts';
import type { Command } from '../../kinds.ts';
import type { UpdateChecks } from '../catalog/commands.ts';
import { findCheck } from '../catalog/find.ts';
import { findSession } from '../session/find.ts';
import { membersMax } from './decide.ts';
import { failedMachines, findMember, findMembers, holderOf, membersOf } from './find.ts';
import { claimKey, membersKey } from './keys.ts';
import { ownersBy } from './owners.ts';

let journal: Journal;

beforeEach(() => {
  journal = new Journal();
});

const submit = (command: Command) => journal.commit([command]).outcomes[0];

const join = (nodeId: string, more: { readonly edge?: true } = {}) => {
  submit({ kind: 'member-join', nodeId, name: `host-${nodeId}`, address: '', version: '1.0.0', ...more });
  return findMember(journal.state, nodeId)?.epoch ?? 0;
};

const check = 'check\0default\0n\0c';

/** Registers an instance with a TTL check through a node. */
const register = (nodeId: string | undefined, port = 1) => {
  journal.nodeId = nodeId;
  return journal.commit([
    {
      ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure' },
      instances: [{ id: 'i', service: 'web', port }],
      checks: [{ id: 'c', name: 'c', instance: 'i', type: 'ttl', status: 'passing', definition: { ttlMs: 10_000 + port } }],
    },
  ]);
};

const expire = (by?: Judge) => {
  const judged = { key: check, revision: findCheck(journal.state, 'default', 'n', 'c')?.modified ?? 0, ...(by === undefined ? {} : { by }) };
  const command: UpdateChecks = {
    kind: 'update-checks',
    updates: [{ namespace: 'default', node: 'n', id: 'c', status: 'critical', output: 'TTL expired', judged }],
  };
  submit(command);
  return findCheck(journal.state, 'default', 'n', 'c')?.status;
};

describe('a member', () => {
  it('gets a new epoch with each join, above all epochs before', () => {
    expect([join('a'), join('b'), join('a')]).toEqual([1, 2, 3]);
    submit({ kind: 'member-leave', nodeId: 'a', epoch: 3 });
    expect(join('a')).toBe(4);
    expect(membersOf(journal.state).map(({ nodeId }) => nodeId)).toEqual(['b', 'a']);
  });

  it('is not removed by a command about an earlier epoch of it', () => {
    const [first, second] = [join('a'), join('a')];
    expect(submit({ kind: 'member-leave', nodeId: 'a', epoch: first })).toEqual({ result: false });
    expect(findMember(journal.state, 'a')).toMatchObject({ epoch: second });
    expect(submit({ kind: 'member-leave', nodeId: 'a', epoch: second })).toEqual({ result: true });
    expect(submit({ kind: 'member-leave', nodeId: 'a', epoch: second })).toEqual({ result: false });
    expect(membersOf(journal.state)).toEqual([]);
  });

  it('drains, and stops draining, in its present epoch only', () => {
    const epoch = join('a');
    expect(submit({ kind: 'member-drain', nodeId: 'a', epoch: epoch + 1, draining: true })).toEqual({ result: false });
    submit({ kind: 'member-drain', nodeId: 'a', epoch, draining: true });
    expect(findMember(journal.state, 'a')).toMatchObject({ draining: true });
    submit({ kind: 'member-drain', nodeId: 'a', epoch, draining: false });
    expect(findMember(journal.state, 'a')).not.toHaveProperty('draining');
  });

  it('is refused when there are too many', () => {
    for (let at = 0; at < membersMax; at++) join(`n${at}`);
    const refused = submit({ kind: 'member-join', nodeId: 'late', name: 'late', address: '', version: '1' });
    expect(refused).toMatchObject({ error: { code: 'resource_exhausted', message: 'the store has 1024 members, the limit is 1024' } });
    // A node that is a member already only gets a new epoch.
    expect(join('n0')).toBe(membersMax + 1);
  });

  it('keeps fields that a newer version of Rollcall has written', () => {
    join('a');
    const row = findMembers(journal.state);
    const [member] = row?.members ?? [];
    journal.state.apply({
      revision: journal.state.revision,
      put: [{ key: 'members', value: Buffer.from(`\u0001\0${JSON.stringify({ ...row, later: 1, members: [{ ...member, rack: 'r1' }] })}`) }],
      delete: [],
    });
    submit({ kind: 'member-drain', nodeId: 'a', epoch: 1, draining: true });
    expect(findMembers(journal.state)).toMatchObject({ later: 1, members: [{ nodeId: 'a', rack: 'r1', draining: true }] });
  });
});

describe('a machine that has failed', () => {
  const failed = () => failedMachines(journal.state).map(({ nodeId, failedMs }) => [nodeId, failedMs]);
  const fail = (nodeId: string, now = 0) =>
    journal.commit([{ kind: 'member-leave', nodeId, epoch: findMember(journal.state, nodeId)?.epoch ?? 0, failed: true }], now);

  it('is shown until it joins again, or is forgotten; one that leaves is not', () => {
    for (const nodeId of ['a', 'b', 'c']) join(nodeId);
    fail('a', 5_000);
    fail('b', 5_000);
    submit({ kind: 'member-leave', nodeId: 'c', epoch: 3 });
    expect(failed()).toEqual([['a', 5_000], ['b', 5_000]]);
    join('a');
    expect(failed()).toEqual([['b', 5_000]]);
    expect(submit({ kind: 'member-forget', nodeId: 'b' })).toEqual({ result: true });
    expect(submit({ kind: 'member-forget', nodeId: 'b' })).toEqual({ result: false });
    expect(failed()).toEqual([]);
  });

  it('is not shown once another node has joined under its name', () => {
    join('a');
    fail('a');
    submit({ kind: 'member-join', nodeId: 'a2', name: 'host-a', address: '', version: '1.0.0' });
    expect(failed()).toEqual([]);
  });

  it('is forgotten after 72 hours', () => {
    join('a');
    fail('a');
    const lapsesAt = (now: number) => [...journal.state.lapsing].filter((key) => journal.state.kinds.get('failed-member')?.lapsed?.(journal.state.get(key) as never, now, journal.state) === true);
    expect([lapsesAt(72 * 3_600_000 - 1), lapsesAt(72 * 3_600_000)]).toEqual([[], ['failed-member\0a']]);
  });

  it('that is a worker of another one is not shown', () => {
    submit({ kind: 'member-join', nodeId: 'w', name: 'w', address: '', version: '1', worker: true });
    fail('w');
    expect(failed()).toEqual([]);
  });
});

describe('the holder of a deadline', () => {
  it('is the node through which the check was registered, and stays when it is registered again unchanged through another', () => {
    register('a');
    expect(holderOf(journal.state, check)).toBe('a');
    expect(register('b').changes).toEqual([]);
    expect(holderOf(journal.state, check)).toBe('a');
    register('b', 2);
    expect(holderOf(journal.state, check)).toBe('b');
  });

  it('is not written where one node has the store for itself', () => {
    register(undefined);
    expect(findCheck(journal.state, 'default', 'n', 'c')).not.toHaveProperty('holder');
  });

  it('is the member that claims it; no view changes, and the claim is removed with the check', () => {
    const [, b] = [join('a'), join('b')];
    register('a');
    const { views, changes } = journal.commit([{ kind: 'claim', nodeId: 'b', epoch: b, keys: [check, 'check\0default\0n\0unknown', 'node\0n'] }]);
    expect(changes.map(({ key }) => key)).toEqual([claimKey(check)]);
    expect([...views]).toEqual([]);
    expect(holderOf(journal.state, check)).toBe('b');
    submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'i' });
    expect(journal.state.get(claimKey(check))).toBeUndefined();
  });

  it('is the one in the row again when that member claims it back', () => {
    const [a, b] = [join('a'), join('b')];
    register('a');
    submit({ kind: 'claim', nodeId: 'b', epoch: b, keys: [check] });
    submit({ kind: 'claim', nodeId: 'a', epoch: a, keys: [check] });
    expect(journal.state.get(claimKey(check))).toBeUndefined();
    expect(holderOf(journal.state, check)).toBe('a');
  });

  it('is not claimed by a member in an earlier epoch', () => {
    const [, b] = [join('a'), join('b')];
    join('b');
    register('a');
    submit({ kind: 'claim', nodeId: 'b', epoch: b, keys: [check] });
    expect(holderOf(journal.state, check)).toBe('a');
  });

  it('of a session with a TTL is the node through which it was created; of a bound one there is none', () => {
    journal.nodeId = 'a';
    const session = { kind: 'session-create', namespace: 'default', name: '', node: '', liveness: 'ttl', lockDelayMs: 0, behavior: 'release', checks: [] } as const;
    journal.commit([{ ...session, id: 's', ttlMs: 10_000 }, { ...session, id: 't', ttlMs: 0 }]);
    expect(findSession(journal.state, 'default', 's')).toMatchObject({ holder: 'a' });
    expect(findSession(journal.state, 'default', 't')).not.toHaveProperty('holder');
  });
});

describe('a verdict that names its judge', () => {
  it('is carried out for the holder in its present epoch', () => {
    const epoch = join('a');
    join('b');
    register('a');
    expect(expire({ nodeId: 'a', epoch })).toBe('critical');
  });

  it.each([
    ['another member', () => ({ nodeId: 'b', epoch: findMember(journal.state, 'b')?.epoch ?? 0 })],
    ['an earlier epoch of the holder', () => ({ nodeId: 'a', epoch: 1 })],
    ['a node that is no member', () => ({ nodeId: 'c', epoch: 1 })],
  ])('does nothing for %s', (_who, judge) => {
    join('a');
    join('b');
    join('a');
    register('a');
    expect(expire(judge())).toBe('passing');
  });

  it('of a holder that has left is for the member that rendezvous hashing chooses, and for no other', () => {
    const a = join('a');
    const others = ['b', 'c', 'd'].map((nodeId) => ({ nodeId, epoch: join(nodeId) }));
    register('a');
    submit({ kind: 'member-leave', nodeId: 'a', epoch: a });
    const row = findMembers(journal.state);
    const owner = row && ownersBy(row).ownerOf(check, 'a');
    for (const other of others) if (other.nodeId !== owner) expect(expire(other)).toBe('passing');
    expect(expire({ nodeId: 'a', epoch: a })).toBe('passing');
    expect(expire(others.find(({ nodeId }) => nodeId === owner))).toBe('critical');
  });

  it('does nothing where there are no members', () => {
    register('a');
    expect(expire({ nodeId: 'a', epoch: 1 })).toBe('passing');
  });

  it('expects the members, and the claim, to be as they were when it is decided', () => {
    const by = { nodeId: 'a', epoch: join('a') };
    register('a');
    const judged = { key: check, revision: journal.state.revision, by };
    const { writes } = decideBatch(journal.state, [{ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: 'c', status: 'critical', judged }] }], 0, { guarded: true });
    expect(writes?.expect).toContainEqual({ key: 'members', revision: 1 });
    expect(writes?.expect).toContainEqual({ key: claimKey(check), revision: 0 });
  });
});

describe('a backup', () => {
  it('has neither members nor claims: they are about the nodes of this store', () => {
    expect([membersKey, claimKey(check)].map(staysHere)).toEqual([true, true]);
    expect(staysHere(check)).toBe(false);
  });
});

describe('an edge node', () => {
  const owners = (keys = 50) => {
    const row = findMembers(journal.state);
    if (row === undefined) throw new Error('there are no members');
    return new Set(Array.from({ length: keys }, (_, at) => ownersBy(row).ownerOf(`check\0default\0n\0${at}`, undefined)));
  };

  it('owns what it holds and nothing else, also when the only other member drains', () => {
    join('edge', { edge: true });
    const epoch = join('inner');
    expect(owners()).toEqual(new Set(['inner']));
    register('edge');
    expect(holderOf(journal.state, check)).toBe('edge');
    submit({ kind: 'member-drain', nodeId: 'inner', epoch, draining: true });
    expect(owners()).toEqual(new Set(['inner']));
    expect(findMember(journal.state, 'edge')).toMatchObject({ edge: true });
  });

  it('owns the rest only when there is no other member', () => {
    join('edge', { edge: true });
    expect(owners()).toEqual(new Set(['edge']));
  });
});
