/** `PUT /v1/txn`: every verb, what failing says, and that nothing happens by halves. */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Answer, Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

type Result = Record<string, Record<string, unknown>>;
interface Body {
  Results: Result[] | null;
  Errors: { OpIndex: number; What: string }[] | null;
}

const run = (operations: unknown, query = '') => consul.put(`/v1/txn${query}`, operations);
const kv = (Verb: string, Key: string, more: object = {}) => ({ KV: { Verb, Key, ...more } });
const base64 = (text: string) => Buffer.from(text).toString('base64');

function results(answer: Answer): Result[] {
  expect([answer.status, answer.json<Body>().Errors]).toEqual([200, null]);
  return answer.json<Body>().Results ?? [];
}

function errors(answer: Answer): [number, string][] {
  const { Results, Errors } = answer.json<Body>();
  expect([answer.status, Results]).toEqual([409, null]);
  return (Errors ?? []).map(({ OpIndex, What }) => [OpIndex, What]);
}

async function session(more: object = {}): Promise<string> {
  return (await consul.put('/v1/session/create', more)).json<{ ID: string }>().ID;
}

async function indexOf(key: string): Promise<number> {
  const answer = await consul.get(`/v1/kv/${key}`);
  return answer.status === 404 ? 0 : (answer.json<{ ModifyIndex: number }[]>()[0]?.ModifyIndex ?? 0);
}

describe('keys', () => {
  test('writes answer without the value and reads with it, each with the state at its place', async () => {
    const answer = await run([
      kv('set', 'a/x', { Value: base64('one'), Flags: 7 }),
      kv('get', 'a/x'),
      kv('set', 'a/y', { Value: base64('two') }),
      kv('get-tree', 'a/'),
      kv('get-or-empty', 'nope'),
      kv('check-not-exists', 'nope'),
      kv('delete', 'a/y'),
      kv('get-tree', 'a/'),
    ]);
    const found = results(answer).map((each) => each['KV'] ?? {});
    expect(found.map(({ Key, Value }) => [Key, Value])).toEqual([
      ['a/x', null],
      ['a/x', base64('one')],
      ['a/y', null],
      ['a/x', base64('one')],
      ['a/y', base64('two')],
      ['nope', null],
      ['a/x', base64('one')],
    ]);
    expect(found[5]).toEqual({ LockIndex: 0, Key: 'nope', Flags: 0, Value: null, CreateIndex: 0, ModifyIndex: 0 });
    const index = await indexOf('a/x');
    expect(found[0]).toEqual({
      LockIndex: 0,
      Key: 'a/x',
      Flags: 7,
      Value: null,
      CreateIndex: index,
      ModifyIndex: index,
    });
    expect((await consul.get('/v1/kv/a/y')).status).toBe(404);
  });

  test('flags are exact to the last of 64 bits', async () => {
    await run('[{"KV":{"Verb":"set","Key":"flags","Flags":18446744073709551615}}]');
    expect((await run([kv('get', 'flags')])).text).toContain('"Flags":18446744073709551615');
  });

  test('an index from an answer works as a condition for the next write', async () => {
    const [first] = results(await run([kv('cas', 'c', { Index: 0, Value: base64('1') })]));
    const Index = first?.['KV']?.['ModifyIndex'];
    results(await run([kv('check-index', 'c', { Index }), kv('cas', 'c', { Index, Value: base64('2') })]));
    expect(errors(await run([kv('cas', 'c', { Index, Value: base64('3') })]))).toEqual([
      [0, 'failed to set key "c", index is stale'],
    ]);
    results(await run([kv('delete-cas', 'c', { Index: await indexOf('c') }), kv('delete-cas', 'c', { Index: 5 })]));
    expect(await indexOf('c')).toBe(0);
  });

  test('all failed operations are named, and nothing is written', async () => {
    await consul.put('/v1/kv/f', 'x');
    const index = await indexOf('f');
    const answer = await run([
      kv('set', 'halfway', { Value: base64('no') }),
      kv('get', 'nope'),
      kv('check-index', 'f', { Index: 1 }),
      kv('check-index', 'nope', { Index: 1 }),
      kv('cas', 'f', { Index: 1 }),
      kv('delete-cas', 'f', { Index: 1 }),
      kv('lock', 'f', { Session: 'zz' }),
      kv('unlock', 'f', { Session: 'zz' }),
      kv('check-session', 'f', { Session: 'zz' }),
      kv('check-session', 'nope', { Session: 'zz' }),
      kv('check-not-exists', 'f'),
      kv('delete', 'nope'),
      kv('delete-tree', 'nope'),
      kv('get-tree', 'nope'),
    ]);
    expect(errors(answer)).toEqual([
      [1, 'key "nope" doesn\'t exist'],
      [2, `failed index check for key "f", current modify index ${index} != 1`],
      [3, 'failed to check index, key "nope" doesn\'t exist'],
      [4, 'failed to set key "f", index is stale'],
      [5, 'failed to delete key "f", index is stale'],
      [6, 'invalid session "zz"'],
      [7, 'failed to unlock key "f", lock isn\'t held, or is held by another session'],
      [8, 'failed session check for key "f", current session "" != "zz"'],
      [9, 'failed to check session, key "nope" doesn\'t exist'],
      [10, 'key "f" exists'],
    ]);
    expect((await consul.get('/v1/kv/halfway')).status).toBe(404);
    expect(await indexOf('f')).toBe(index);
  });

  test('a value that is not base64 refuses the whole body, as in Consul', async () => {
    const answer = await run([kv('set', 'halfway', { Value: base64('no') }), kv('set', 'b', { Value: '!!' }), kv('get', 'nope')]);
    expect([answer.status, answer.text]).toEqual([400, 'Failed to parse body: illegal base64 data in the value for key "b"']);
    expect((await consul.get('/v1/kv/halfway')).status).toBe(404);
  });

  test('locks are acquired, checked, refused to others, released and delayed', async () => {
    const [mine, other] = [await session({ LockDelay: '30s' }), await session()];
    const taken = results(
      await run([
        kv('lock', 'l', { Session: mine, Value: base64('me') }),
        kv('check-session', 'l', { Session: mine }),
      ]),
    );
    expect(taken.map((each) => each['KV']?.['Session'])).toEqual([mine, mine]);
    expect(errors(await run([kv('lock', 'l', { Session: other })]))).toEqual([
      [0, 'failed to lock key "l", lock is already held'],
    ]);
    results(await run([kv('unlock', 'l', { Session: mine }), kv('lock', 'l', { Session: mine })]));
    const ended = await run([{ Session: { Verb: 'delete', Session: { ID: mine } } }, kv('get', 'l')]);
    expect(results(ended)[0]?.['KV']).not.toHaveProperty('Session');
    expect(errors(await run([kv('lock', 'l', { Session: other })]))).toEqual([
      [0, 'failed to lock key "l" due to lock delay'],
    ]);
  });

  test('a missing session is reported with the other errors', async () => {
    expect(errors(await run([kv('lock', 'nobodys'), kv('get', 'nobodys')]))).toEqual([
      [0, 'missing session'],
      [1, 'key "nobodys" doesn\'t exist'],
    ]);
  });

  test.each([
    [kv('set', ''), 'Must provide key'],
    [kv('zork', 'a'), 'unknown KV verb "zork"'],
    [kv('lock', 'a'), 'missing session'],
    [kv('set', 'a\u0000b'), 'Invalid key name "a\\u0000b": control characters are not allowed'],
    [{ Node: { Verb: 'zork', Node: { Node: 'n' } } }, 'unknown Node verb "zork"'],
    [{ Service: { Verb: 'zork', Node: 'n', Service: { ID: 's' } } }, 'unknown Service verb "zork"'],
    [{ Check: { Verb: 'zork', Check: { Node: 'n', CheckID: 'c' } } }, 'unknown Check verb "zork"'],
    [{ Session: { Verb: 'zork', Session: { ID: 's' } } }, 'unknown Session verb "zork"'],
  ])('%j: %s', async (operation, what) => {
    expect(errors(await run([kv('set', 'unwritten'), operation]))).toEqual([[1, what]]);
    expect((await consul.get('/v1/kv/unwritten')).status).toBe(404);
  });
});

describe('the catalog', () => {
  const node = (Verb: string, more: object = {}) => ({ Node: { Verb, Node: { Node: 'n1', ...more } } });
  const service = (Verb: string, more: object = {}) => ({
    Service: { Verb, Node: 'n1', Service: { ID: 'db1', Service: 'db', ...more } },
  });
  const check = (Verb: string, more: object = {}) => ({ Check: { Verb, Check: { Node: 'n1', CheckID: 'c', ...more } } });

  test('a node with its service and check is written, read and deleted in one transaction', async () => {
    const made = results(
      await run([
        node('set', { Address: '1.2.3.4', Meta: { a: 'b' } }),
        service('set', { Port: 5 }),
        check('set', { Name: 'cn', Status: 'passing', ServiceID: 'db1' }),
        service('get'),
        check('get'),
        node('get'),
      ]),
    );
    expect(made.map((each) => Object.keys(each)[0])).toEqual(['Node', 'Service', 'Check', 'Service', 'Check', 'Node']);
    expect(made[0]?.['Node']).toMatchObject({ Node: 'n1', Address: '1.2.3.4', Datacenter: 'dc1', Meta: { a: 'b' } });
    expect(made[3]?.['Service']).toMatchObject({ ID: 'db1', Service: 'db', Port: 5 });
    expect(made[4]?.['Check']).toMatchObject({ CheckID: 'c', Status: 'passing', ServiceName: 'db' });
    const found = (await consul.get('/v1/health/service/db')).json<{ Service: object }[]>();
    expect(found[0]?.Service).toEqual(made[1]?.['Service']);
    results(await run([check('delete'), service('delete'), node('delete')]));
    expect((await consul.get('/v1/catalog/node/n1')).text).toBe('null');
  });

  test('conditions on the indexes of rows', async () => {
    const [made] = results(await run([node('cas', { Address: '1.1.1.1', ModifyIndex: 0 })]));
    const ModifyIndex = made?.['Node']?.['ModifyIndex'];
    results(await run([node('cas', { Address: '2.2.2.2', ModifyIndex }), service('set'), check('set')]));
    const answer = await run([
      node('cas', { Address: '3.3.3.3', ModifyIndex }),
      node('delete-cas', { ModifyIndex: 1 }),
      service('cas', { ModifyIndex: 1 }),
      service('delete-cas', { ModifyIndex: 1 }),
      check('cas', { ModifyIndex: 1 }),
      check('delete-cas', { ModifyIndex: 1 }),
      { Node: { Verb: 'get', Node: { Node: 'nope' } } },
      { Node: { Verb: 'delete-cas', Node: { Node: 'nope', ModifyIndex: 0 } } },
      { Service: { Verb: 'get', Node: 'n1', Service: { ID: 'nope' } } },
      { Service: { Verb: 'set', Node: 'nope', Service: { Service: 'x' } } },
      { Check: { Verb: 'get', Check: { Node: 'n1', CheckID: 'nope' } } },
      { Check: { Verb: 'set', Check: { Node: 'nope', CheckID: 'c' } } },
      { Check: { Verb: 'set', Check: { Node: 'n1', CheckID: 'd', ServiceID: 'nope' } } },
      { Service: { Verb: 'delete', Node: 'n1', Service: { ID: 'nope' } } },
    ]);
    expect(errors(answer).map(([, what]) => what)).toEqual([
      'failed to set node "n1", index is stale',
      'failed to delete node "n1", index is stale',
      'failed to set service "db1" on node "n1", index is stale',
      'failed to delete service "db1" on node "n1", index is stale',
      'failed to set check "c" on node "n1", index is stale',
      'failed to delete check "c" on node "n1", index is stale',
      'node "nope" doesn\'t exist',
      'failed to delete node "nope", index is stale',
      'service "nope" on node "n1" doesn\'t exist',
      'Missing node registration',
      'check "nope" on node "n1" doesn\'t exist',
      'Missing node registration',
      'Missing service registration',
    ]);
  });
});

describe('limits and bodies', () => {
  test('128 operations are accepted, since clients probe for that limit; one more is refused', async () => {
    const many = (count: number) => run(Array.from({ length: count }, () => kv('get-or-empty', 'probe')));
    expect(results(await many(128))).toHaveLength(128);
    const refused = await many(129);
    expect([refused.status, refused.text]).toEqual([
      413,
      'Transaction contains too many operations (129 > 128)',
    ]);
  });

  test('a value of the largest size is accepted in base64; one more byte is refused', async () => {
    const value = (bytes: number) => run([kv('set', 'large', { Value: Buffer.alloc(bytes, 1).toString('base64') })]);
    results(await value(524_288));
    const refused = await value(524_289);
    expect([refused.status, refused.text]).toEqual([
      413,
      'Value for key "large" is too large (524289 > 524288 bytes)',
    ]);
  });

  test('a transaction that would read many times the store is refused before it writes', async () => {
    await consul.put('/v1/kv/large', Buffer.alloc(500_000, 1));
    const answer = await run([kv('set', 'unread'), ...Array.from({ length: 127 }, () => kv('get-tree', ''))]);
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringMatching(/^the transaction reads too much: \d+ bytes with operation 51, the limit is 33554432; read less/),
    ]);
    expect((await consul.get('/v1/kv/unread')).status).toBe(404);
  });

  test('so is one that would read many small rows, at the first row over the limit', async () => {
    const { registry } = consul.server;
    const put = (at: number) =>
      registry.submit({ kind: 'kv-put', namespace: 'default', key: `small/${at}`, value: Buffer.of(1), flags: 0n });
    await Promise.all(Array.from({ length: 8_192 }, (_, at) => put(at)));
    const trees = (count: number) => Array.from({ length: count }, () => kv('get-tree', 'small/'));
    expect(results(await run(trees(2)))).toHaveLength(16_384);
    const kvKeys = vi.spyOn(registry.state, 'ordered');
    for (const refused of [await run(trees(128)), await run([kv('set', 'unread'), ...trees(127)])]) {
      expect([refused.status, refused.text]).toEqual([
        400,
        expect.stringMatching(/^the transaction reads too much: 16385 rows with operation 2, the limit is 16384; read less/),
      ]);
    }
    // Each looked at three trees and not at the others.
    expect(kvKeys.mock.calls.length).toBeLessThanOrEqual(6);
    kvKeys.mockRestore();
    expect((await consul.get('/v1/kv/unread')).status).toBe(404);
  });

  test.each([
    ['', 'Failed to parse body: EOF'],
    ['{}', 'Failed to parse body: json: cannot unmarshal object into request body of type array'],
    ['[{"XX":{}}]', 'Failed to parse body: json: unknown field "XX"'],
    ['[{"KV":{"Index":-1}}]', 'Failed to parse body: json: cannot unmarshal number into field KV.Index of type uint64'],
  ])('%s is refused', async (body, text) => {
    const answer = await run(body);
    expect([answer.status, answer.text]).toEqual([400, text]);
  });

  test('an empty transaction succeeds', async () => {
    expect((await run([])).json()).toEqual({ Results: [], Errors: null });
    expect((await run([{}])).json()).toEqual({ Results: [], Errors: null });
  });

  test.each(['?stale', '?consistent', ''])('reads accept %s and commit nothing', async (query) => {
    await consul.put('/v1/kv/read', 'x');
    const { revision } = consul.server.registry.state;
    expect(results(await run([kv('get', 'read')], query))).toHaveLength(1);
    expect(consul.server.registry.state.revision).toBe(revision);
    expect((await run([kv('get', 'read')], '?stale&consistent')).status).toBe(400);
  });
});
