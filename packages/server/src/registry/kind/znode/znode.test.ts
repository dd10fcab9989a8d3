/** Znodes: what each command does and answers, and how the counts and zxids of a stat come about. */

import { describe, expect, it, test } from 'vitest';
import { Journal } from '../../journal.case.ts';
import { kinds, type Command } from '../../kinds.ts';
import { restoreCommand } from '../../restore.ts';
import { ttlMsMax, znodeLimits } from './commands.ts';
import { childNames, ephemeralsOf, findZnode, statOf } from './find.ts';
import { answers, check, close, create, ephemeral, multi, namespace, open, remove, set, setAcl, withSessions } from './znode.case.ts';

const stat = ({ state }: Journal, path: string) => statOf(state, namespace, path);
const text = ({ state }: Journal, path: string) => {
  const row = findZnode(state, namespace, path);
  return row === undefined ? undefined : row.noData === true ? null : Buffer.from(row.data).toString();
};
const names = ({ state }: Journal, path: string) => [...childNames(state, namespace, path)].sort();

describe('a znode', () => {
  it('has a stat whose zxids are the revisions of its creation, its data and its children', () => {
    const journal = withSessions('s1');
    const [created] = answers(journal, [create('/app', {}, 'one')], 1_000);
    const czxid = journal.state.revision;
    const fresh = { czxid, mzxid: czxid, pzxid: czxid, ctimeMs: 1_000, mtimeMs: 1_000, version: 0, cversion: 0, aversion: 0, session: undefined, dataLength: 3, numChildren: 0 };
    expect(created).toEqual({ path: '/app', stat: fresh });
    expect(stat(journal, '/app')).toEqual(fresh);
    const [changed] = answers(journal, [set('/app', 'three')], 2_000);
    const mzxid = journal.state.revision;
    expect(changed).toEqual({ ...fresh, mzxid, mtimeMs: 2_000, version: 1, dataLength: 5 });
    answers(journal, [create('/app/a'), create('/app/b')]);
    expect(stat(journal, '/app')).toMatchObject({ mzxid, pzxid: journal.state.revision, cversion: 2, numChildren: 2 });
    answers(journal, [remove('/app/a')]);
    const pzxid = journal.state.revision;
    expect(stat(journal, '/app')).toMatchObject({ pzxid, cversion: 3, numChildren: 1 });
    answers(journal, [setAcl('/app', [{ perms: 31, scheme: 'world', id: 'anyone' }])]);
    expect(stat(journal, '/app')).toMatchObject({ czxid, mzxid, pzxid, aversion: 1, version: 1 });
    journal.restart();
    expect(stat(journal, '/app')).toMatchObject({ czxid, mzxid, pzxid, aversion: 1, cversion: 3 });
  });

  it('that is created and set in one transaction answers what each command made', () => {
    const journal = withSessions('s1');
    const [created, first, second] = answers(journal, [create('/a'), set('/a', 'x'), set('/a', 'yy')]);
    const { revision } = journal.state;
    expect([created, first, second]).toMatchObject([
      { stat: { version: 0, czxid: revision, mzxid: revision } },
      { version: 1, dataLength: 1, czxid: revision, mzxid: revision },
      { version: 2, dataLength: 2, mzxid: revision },
    ]);
  });

  it('tells null from empty data, also after a restart', () => {
    const journal = withSessions('s1');
    answers(journal, [create('/null', {}, null), create('/empty'), set('/empty', null), set('/empty', '')]);
    journal.restart();
    expect([text(journal, '/null'), text(journal, '/empty'), stat(journal, '/null')?.dataLength]).toEqual([null, '', 0]);
  });

  it('that comes back has a new stat, and a list of children that begins again', () => {
    const journal = withSessions('s1');
    answers(journal, [create('/a'), create('/a/x'), create('/a/x2')]);
    answers(journal, [remove('/a/x'), remove('/a/x2'), remove('/a'), create('/a', {}, 'new')]);
    expect(stat(journal, '/a')).toMatchObject({ czxid: journal.state.revision, version: 0, cversion: 0, numChildren: 0 });
    expect(answers(journal, [create('/a/n-', { sequential: true })])).toMatchObject([{ path: '/a/n-0000000000' }]);
  });
});

it('a path may be as long as the URL of a provider with many methods', () => {
  const journal = withSessions('s1');
  const path = `/${'ä'.repeat(1_949)}`;
  expect(answers(journal, [create(path), create(`${path}x`), create(`${path}ä`)])).toMatchObject([{ path }, { path: `${path}x` }, 'bad-arguments']);
  journal.restart();
  expect(names(journal, '/')).toEqual(['zookeeper', path.slice(1), `${path.slice(1)}x`].sort());
});

describe('sequential znodes', () => {
  it('count the creations of all children of their parent, and never the deletions', () => {
    const journal = withSessions('s1');
    const next = (path: string) => (answers(journal, [create(path, { sequential: true })])[0] as { path: string }).path;
    answers(journal, [create('/q'), create('/q/plain')]);
    expect([next('/q/n-'), next('/q/n-'), next('/q/')]).toEqual(['/q/n-0000000001', '/q/n-0000000002', '/q/0000000003']);
    answers(journal, [remove('/q/n-0000000002')]);
    expect(next('/q/m')).toBe('/q/m0000000004');
  });

  it('that one transaction creates have different numbers', () => {
    const journal = withSessions('s1');
    const made = answers(journal, [create('/q'), multi(create('/q/n', { sequential: true }), create('/q/n', { sequential: true }))]);
    expect(made[1]).toMatchObject({ answers: [{ path: '/q/n0000000000' }, { path: '/q/n0000000001' }] });
    expect(names(journal, '/q')).toEqual(['n0000000000', 'n0000000001']);
  });
});

describe('ephemeral znodes', () => {
  it('are removed with their session, each counted by its parent', () => {
    const journal = withSessions('s1', 's2');
    answers(journal, [create('/e'), ephemeral('/e/a'), ephemeral('/e/b', 's2'), ephemeral('/top')]);
    expect([stat(journal, '/e/a')?.session, Array.from(ephemeralsOf(journal.state, namespace, 's1'), ({ path }) => path).sort()]).toEqual(['s1', ['/e/a', '/top']]);
    answers(journal, [close('s1')]);
    expect([names(journal, '/e'), names(journal, '/')]).toEqual([['b'], ['e', 'zookeeper']]);
    expect(stat(journal, '/e')).toMatchObject({ cversion: 3, numChildren: 1, pzxid: journal.state.revision });
  });

  it('leave in bounded transactions', () => {
    const journal = withSessions('s1');
    answers(journal, [create('/e'), ...Array.from({ length: 2_000 }, (_, at) => ephemeral(`/e/${at}`))]);
    const sizes: number[] = [];
    for (let next: Command | undefined = close('s1'); next !== undefined; ) {
      const { outcomes: [outcome], changes } = journal.step([next]);
      sizes.push(changes.length);
      next = (outcome as { readonly next?: Command }).next;
    }
    expect(Math.max(...sizes)).toBeLessThan(300);
    expect(stat(journal, '/e')).toMatchObject({ numChildren: 0, cversion: 4_000 });
  });
});

describe('the tree of a new namespace', () => {
  it('has what clients expect, with the stats of a real server', () => {
    const journal = new Journal();
    expect([names(journal, '/'), names(journal, '/zookeeper')]).toEqual([['zookeeper'], ['config', 'quota']]);
    expect(stat(journal, '/')).toMatchObject({ czxid: 0, mzxid: 0, pzxid: 0, cversion: -1, numChildren: 1 });
    expect(stat(journal, '/zookeeper/config')).toMatchObject({ aversion: -1, dataLength: 0 });
  });

  it('may be changed where a real server allows it', () => {
    const journal = withSessions('s1');
    expect(answers(journal, [set('/', 'root'), set('/zookeeper/config', 'x'), create('/zookeeper/quota/app'), remove('/zookeeper/quota'), create('/zookeeper/quota')])).toMatchObject([
      { version: 1, czxid: 0 },
      'no-auth',
      { path: '/zookeeper/quota/app' },
      'bad-arguments',
      'node-exists',
    ]);
    expect([text(journal, '/'), names(journal, '/'), stat(journal, '/')?.cversion]).toEqual(['root', ['zookeeper'], -1]);
  });
});

describe('a multi', () => {
  it('does all of its operations, and answers each', () => {
    const journal = withSessions('s1');
    const [done] = answers(journal, [multi(create('/a', {}, 'x'), check('/a', 0), set('/a', 'y', 0), create('/a/b'), remove('/a/b'))]);
    const zxid = journal.state.revision;
    expect(done).toMatchObject({ answers: [{ path: '/a', stat: { czxid: zxid } }, true, { version: 1, mzxid: zxid }, { path: '/a/b' }, true] });
    expect(stat(journal, '/a')).toMatchObject({ version: 1, cversion: 2, numChildren: 0 });
  });

  it('does nothing when one is refused, and names it', () => {
    const journal = withSessions('s1');
    const [done] = answers(journal, [multi(create('/a'), check('/a', 7), create('/b'))]);
    expect(done).toMatchObject({ failures: [{ at: 1, reason: 'refused', error: { reason: 'bad-version' } }] });
    expect(names(journal, '/')).toEqual(['zookeeper']);
  });
});

describe('refused', () => {
  const world = [{ perms: 1, scheme: 'world', id: 'anyone' }];
  const refusals: readonly (readonly [string, Command, string])[] = [
    ['a child of a znode that does not exist', create('/no/child'), 'no-node'],
    ['a znode that exists', create('/a'), 'node-exists'],
    ['a child of an ephemeral znode', create('/e/child'), 'no-children-for-ephemerals'],
    ['a path without a slash', create('a'), 'bad-arguments'],
    ['a path that ends with a slash', create('/a/'), 'bad-arguments'],
    ['a path with an empty name', create('/a//b'), 'no-node'],
    ['a relative path', set('/a/../a', ''), 'bad-arguments'],
    ['a path that is too long', create(`/${'x'.repeat(3_900)}`), 'bad-arguments'],
    ['too much data', create('/big', { data: new Uint8Array(znodeLimits.dataBytesMax + 1) }), 'bad-arguments'],
    ['a TTL without its mode', create('/t', { ttlMs: 5 }), 'bad-arguments'],
    ['a TTL of zero', create('/t', { mode: 'ttl', ttlMs: 0 }), 'bad-arguments'],
    ['a TTL that is too long', create('/t', { mode: 'ttl', ttlMs: ttlMsMax + 1 }), 'bad-arguments'],
    ['an empty ACL', create('/t', { acl: [] }), 'invalid-acl'],
    ['an ACL of an unknown scheme', create('/t', { acl: [{ perms: 31, scheme: 'kerberos', id: 'a' }] }), 'invalid-acl'],
    ['"auth" of a client that has not authenticated', setAcl('/a', [{ perms: 31, scheme: 'auth', id: '' }]), 'invalid-acl'],
    ['another version of the data', set('/a', '', 4), 'bad-version'],
    ['another version of the ACL', setAcl('/a', world, 4), 'bad-version'],
    ['to delete another version', remove('/a', 3), 'bad-version'],
    ['to delete a znode with children', remove('/p'), 'not-empty'],
    ['to delete the root', remove('/'), 'bad-arguments'],
    ['to set a znode that does not exist', set('/no', ''), 'no-node'],
    ['to check a znode that does not exist', check('/no'), 'no-node'],
    ['a session that does not exist', ephemeral('/x', 'gone'), 'session-expired'],
    ['an older connection', create('/x', { client: { session: 's1', epoch: 1, ids: [] } }), 'session-moved'],
    ['to create below an ACL that does not allow it', create('/closed/x'), 'no-auth'],
    ['to delete below an ACL that does not allow it', remove('/closed/there'), 'no-auth'],
    ['to set what an ACL does not allow', set('/closed', ''), 'no-auth'],
    ['to set an ACL without its permission', setAcl('/closed', world), 'no-auth'],
  ];

  test.each(refusals)('is %s', (_title, command, reason) => {
    const journal = withSessions('s1');
    answers(journal, [create('/a'), create('/p'), create('/p/c'), ephemeral('/e'), create('/closed'), create('/closed/there'), setAcl('/closed', world)]);
    const { revision } = journal.state;
    expect([answers(journal, [command]), journal.state.revision]).toEqual([[reason], revision]);
  });
});

it('a znode and a session have limits, and what is refused for them says so', () => {
  const journal = withSessions('s1', 's2');
  answers(journal, [create('/full'), create('/full/a')]);
  const { state } = journal;
  const get = state.get.bind(state);
  state.bucketSize = (bucket) => (bucket.endsWith('s2') ? znodeLimits.heldMax : 0);
  state.get = (key) => {
    const row = get(key);
    return row?.kind === 'znode-children' && row.path === '/full' ? { ...row, children: znodeLimits.childrenMax } : row;
  };
  expect(answers(journal, [create('/full/b'), ephemeral('/e', 's2'), create('/p', { client: { session: 's2', ids: [] } })])).toMatchObject(['quota-exceeded', 'quota-exceeded', { path: '/p' }]);
});

it('what an ACL says of a digest is allowed to the client that has proved it', () => {
  const journal = withSessions('s1');
  const client = { session: 's1', ids: [{ scheme: 'digest', id: 'ann:hash' }] };
  answers(journal, [create('/mine', { acl: [{ perms: 31, scheme: 'auth', id: '' }], client })]);
  expect(answers(journal, [set('/mine', 'x'), set('/mine', 'x', -1, { client }), create('/mine/a', { client }), remove('/mine/a'), remove('/mine/a', -1, { client })])).toMatchObject(['no-auth', { version: 1 }, {}, 'no-auth', true]);
});

it('a new connection of a session begins an epoch, and the older one is refused', () => {
  const journal = withSessions('s1');
  const first = { client: { session: 's1', epoch: 0, ids: [] } };
  expect(answers(journal, [create('/a', first), { kind: 'session-reconnect', namespace, id: 's1' }, create('/b', first), create('/c', { client: { session: 's1', epoch: 1, ids: [] } })])).toMatchObject([{}, 1, 'session-moved', {}]);
  expect(answers(journal, [{ kind: 'session-reconnect', namespace, id: 'gone' }])).toEqual([false]);
});

it('ancestors that only clients see are created with the first znode below them', () => {
  const journal = withSessions('s1');
  answers(journal, [open('s2'), create('/services/web/1', { ensure: ['/services', '/services/web'] }), create('/services/web/2', { ensure: ['/services', '/services/web'] })]);
  expect([names(journal, '/services/web'), findZnode(journal.state, namespace, '/services')?.lifetime, stat(journal, '/services')?.cversion]).toEqual([['1', '2'], 'container', 1]);
});

it('all rows of a namespace are removed with it', () => {
  const journal = new Journal();
  const at = { namespace: 'team', client: { session: 's', ids: [] } };
  answers(journal, [{ kind: 'namespace-put', name: 'team' }, { ...open('s'), namespace: 'team' } as Command, create('/a', at), create('/a/b', at), setAcl('/a', [{ perms: 1, scheme: 'world', id: 'anyone' }], -1, at), ephemeral('/e', 's', at)]);
  expect(answers(journal, [{ kind: 'namespace-delete', name: 'team' }])).toEqual([true]);
  expect(Array.from(journal.state.rows(), ([key]) => key).filter((key) => key.startsWith('znode') || key.startsWith('session'))).toEqual([]);
});

it('a restore in steps leaves the tree of the backup, with its counts', () => {
  const journal = withSessions('s1', 's2');
  answers(journal, [create('/a', {}, 'old'), create('/a/b'), create('/a/b/c'), ephemeral('/a/e', 's2'), setAcl('/a/b', [{ perms: 31, scheme: 'digest', id: 'a:b' }])]);
  const backup = Array.from(journal.state.rows(), ([, row]) => structuredClone(row));
  answers(journal, [set('/a', 'new'), create('/a/x'), create('/a/x/y'), remove('/a/b/c'), create('/other'), close('s2'), create('/a/n', { sequential: true })]);
  const present = Array.from(journal.state.rows(), ([, row]) => row);
  expect(answers(journal, [restoreCommand(kinds, backup, present, journal.state.revision)])).toEqual([true]);
  expect([names(journal, '/'), names(journal, '/a'), names(journal, '/a/b'), text(journal, '/a')]).toEqual([['a', 'zookeeper'], ['b', 'e'], ['c'], 'old']);
  for (const path of ['/', '/a', '/a/b']) expect([path, stat(journal, path)?.numChildren]).toEqual([path, names(journal, path).length]);
  expect(answers(journal, [remove('/a/b'), close('s2'), remove('/a/b/c', -1, { client: { session: 's1', ids: [{ scheme: 'digest', id: 'a:b' }] } }), remove('/a/b'), remove('/a')])).toEqual(['not-empty', true, true, true, true]);
});
