/**
 * Isolation of namespaces on the stream, for every request: a token without rights in a namespace learns
 * nothing of it, changes nothing in it, and gets none of its changes. All content of `blue` has the word `azure` in it.
 */

import type { FrameView, RequestFrame } from '@rollcall/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import { createServer, type Server } from '../../server.ts';
import { requestAccess } from './access.ts';
import { newSession, SocketClient, type Told } from './socket-client.case.ts';

let server: Server;
let grants: Grantor;
const clients: SocketClient[] = [];

const rules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } key_prefix "" { policy = "write" } lock_prefix "" { policy = "write" } config_prefix "" { policy = "write" }';

beforeEach(async () => {
  server = await createServer({ acl: { initialManagement: management }, nodeName: 'here' });
  grants = grantor(server.registry);
  for (const [name, word] of [['red', 'crimson'], ['blue', 'azure']] as const) {
    await server.registry.submit({ kind: 'namespace-put', name });
    const owner = await greeted(management, { session: newSession(), namespace: name });
    for (const [id, service] of [['web-1', 'web'], [`${word}-1`, `${word}-svc`]]) {
      await owner.ask({ type: 'register', instances: [{ id, service, port: 80, tags: [`${word}-tag`], meta: { owner: word } }] });
    }
    for (const key of ['app/key', `${word}/key`]) await owner.ask({ type: 'kv-put', key, value: Buffer.from(`${word}-value`).toString('base64') });
  }
});

afterEach(async () => {
  for (const { webSocket } of clients.splice(0)) webSocket.terminate();
  grants.close();
  await server.close();
});

async function greeted(secret: string | undefined, hello: object = {}): Promise<SocketClient> {
  const client = await SocketClient.greeted(server.url, hello, { headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` } });
  clients.push(client);
  return client;
}

/** Secrets without any right in blue. */
async function secretOf(who: string): Promise<string | undefined> {
  if (who === 'no token') return undefined;
  if (who === 'rules of default') return (await grants.token(rules)).secret;
  return (await grants.token(`namespace "red" { ${rules} }`)).secret;
}

const callers = ['no token', 'rules of default', 'rules for red'];

const views = (namespace: string, word: string): FrameView[] =>
  (
    [
      ['service', 'web'],
      ['service', `${word}-svc`],
      ['services', ''],
      ['key', 'app/key'],
      ['key', `${word}/key`],
      ['prefix', ''],
      ['prefix', `${word}/`],
      ['lock', `${word}/lock`],
      ['config', `${word}-app/main`],
    ] as const
  ).map(([kind, name]) => ({ kind, name, namespace }));

/** Another session for each namespace that requests are about. */
const lockSessions: Readonly<Record<string, ReturnType<typeof newSession>>> = { azure: newSession(), lilac: newSession() };
const lockSessionOf = (word: string) => lockSessions[word] ?? newSession();
const contenderOf = (word: string) => ({ session: lockSessionOf(word).id, name: `${word}/lock`, contender: lockSessionOf(word).id });

/** Each request, about the given namespace where it can name one, with the names of that namespace. */
const requests: Readonly<Record<RequestFrame['type'], (namespace: string, word: string) => object[]>> = {
  hello: () => [],
  register: (_, word) => [{ type: 'register', instances: [{ id: `${word}-1`, service: `${word}-svc` }] }],
  deregister: (_, word) => [{ type: 'deregister', instances: ['web-1', `${word}-1`] }],
  drain: (_, word) => [{ type: 'drain', instances: ['web-1', `${word}-1`] }],
  beat: () => [{ type: 'beat', instance: 'web-1', check: 'x', status: 'passing' }],
  watch: (namespace, word) => views(namespace, word).map((view) => ({ type: 'watch', views: [view] })),
  get: (namespace, word) => views(namespace, word).map((view) => ({ type: 'get', view })),
  unwatch: (namespace, word) => views(namespace, word).map((view) => ({ type: 'unwatch', views: [view] })),
  'config-report': (namespace, word) => [{ type: 'config-report', namespace, name: `${word}-app/main`, release: 1, applied: true }],
  'pick-report': (namespace, word) => [{ type: 'pick-report', intervalMs: 10_000, services: [{ namespace, service: `${word}-svc`, picks: 1, failures: 0 }] }],
  'kv-put': (_, word) => [{ type: 'kv-put', key: `${word}/key`, value: 'AA==' }],
  'kv-delete': (_, word) => [
    { type: 'kv-delete', key: `${word}/key` },
    { type: 'kv-delete', key: '', recurse: true },
  ],
  'lock-session': (_, word) => [{ type: 'lock-session', session: lockSessionOf(word), ttlMs: 10_000, name: `${word}/lock` }],
  'lock-renew': (_, word) => [{ type: 'lock-renew', session: lockSessionOf(word).id, grants: [] }],
  'lock-acquire': (_, word) => [{ type: 'lock-acquire', ...contenderOf(word), waitMs: 0 }],
  'lock-transfer': (_, word) => [{ type: 'lock-transfer', ...contenderOf(word), to: lockSessionOf(word).id }],
  'lock-release': (_, word) => [{ type: 'lock-release', ...contenderOf(word) }],
  'lock-end': (_, word) => [{ type: 'lock-end', session: lockSessionOf(word).id }],
  'lock-queue': (_, word) => [{ type: 'lock-queue', name: `${word}/lock` }],
  txn: (namespace, word) => [
    { type: 'txn', namespace, grants: [], operations: [{ type: 'put', key: `${word}/key`, value: 'AA==' }] },
    { type: 'txn', namespace, grants: [{ name: `${word}/lock`, contender: lockSessionOf(word).id, token: '1' }], operations: [] },
  ],
  lease: (namespace, word) => ['web', `${word}-svc`].map((pool) => ({ type: 'lease', pool, namespace })),
  goodbye: () => [{ type: 'goodbye' }],
};

/** The content of blue, as text. */
function holdings(): string {
  const held: string[] = [];
  for (const [key, row] of server.registry.state.rows()) {
    if (row.kind !== 'view' && 'namespace' in row && row.namespace === 'blue') held.push(`${key} ${row.modified}`);
  }
  return held.sort().join('\n');
}

function plain(told: Told): string {
  const { id: _, ...frame } = told;
  // Revisions of pushes, ordinals of leases and tokens of locks differ from call to call.
  return JSON.stringify(frame).replaceAll('azure', 'lilac').replaceAll('blue', 'ghost').replaceAll(/"(revision|ordinal)":\d+/g, '"$1":0').replace(/"token":"\d+"/, '"token":"0"').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'uuid');
}

const hidden = /azure|YXp1cmU|blue/i;

describe('a stream without rights in a namespace', () => {
  it('is tried with every request', () => {
    expect(Object.keys(requests).toSorted()).toEqual(Object.keys(requestAccess).toSorted());
  });

  it.each(callers)('cannot be opened in it, whether it exists or not: %s', async (who) => {
    const before = holdings();
    const secret = await secretOf(who);
    for (const session of [undefined, newSession()]) {
      const told = [];
      for (const namespace of ['blue', 'ghost']) {
        const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
        const client = await SocketClient.open(server.url, { headers });
        clients.push(client);
        told.push(await client.ask({ type: 'hello', protocol: 1, client: 'x', namespace, ...(session === undefined ? {} : { session }) }));
      }
      expect(told[0]).toMatchObject({ type: 'error', code: 'permission_denied', message: expect.stringContaining('in namespace "blue"') });
      expect(plain(told[0] as Told)).toBe(plain(told[1] as Told));
    }
    expect(holdings()).toBe(before);
  });

  it.each(callers)('learns nothing from requests about it, and changes nothing in it: %s', async (who) => {
    const before = holdings();
    const secret = await secretOf(who);
    const [one, other] = [await greeted(secret, { session: newSession() }), await greeted(secret, { session: newSession() })];
    for (const make of Object.values(requests)) {
      const [about, ghosts] = [make('blue', 'azure'), make('ghost', 'lilac')];
      for (const [at, frame] of about.entries()) {
        const told = await one.ask(frame);
        const ghost = await other.ask(ghosts[at] as object);
        expect([frame, plain(told)]).toEqual([frame, plain(ghost)]);
        // A list, too: an empty one that is watched would tell when the namespace changes.
        if ('view' in frame || ('views' in frame && told.type !== 'done')) expect([frame, told]).toMatchObject([frame, { type: 'error' }]);
      }
    }
    expect(holdings()).toBe(before);
    for (const frame of one.inbox) expect(plain(frame)).not.toMatch(hidden);
  });

  it('gets changes of its own namespace, and none of another one', async () => {
    const secret = await secretOf('rules for red');
    const client = await greeted(secret, { namespace: 'red' });
    for (const view of views('red', 'crimson')) {
      expect(await client.ask({ type: 'watch', views: [view] })).toMatchObject({ type: 'watching' });
    }
    for (const _ of views('red', 'crimson')) await client.take(({ type }) => type === 'snapshot');
    const heard = client.received;
    const owner = await greeted(management, { session: newSession(), namespace: 'blue' });
    await owner.ask({ type: 'register', instances: [{ id: 'azure-2', service: 'web', tags: ['azure'] }] });
    await owner.ask({ type: 'kv-put', key: 'app/key', value: 'AA==' });
    await owner.ask({ type: 'kv-delete', key: '', recurse: true });
    await owner.ask({ type: 'goodbye' });
    // A push about a change comes before the answer to a later request.
    await client.ask({ type: 'get', view: { kind: 'key', name: 'app/key', namespace: 'red' } });
    expect(client.received).toBe(heard + 1);
    const own = await greeted(management, { namespace: 'red' });
    await own.ask({ type: 'kv-put', key: 'app/key', value: 'AA==' });
    expect(JSON.stringify(await client.take(({ type }) => type === 'delta' || type === 'snapshot'))).not.toMatch(hidden);
  });
});
