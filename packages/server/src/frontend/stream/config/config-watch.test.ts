/** Configurations on the stream, over a real server: who gets which content when. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { releasesOf, type ConfigLayer } from '@rollcall/protocol';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Configurations, type Publication } from '../../../configurations/configurations.ts';
import { Contents } from '../../../configurations/contents.ts';
import { FanOut } from '../../../net/fan-out.ts';
import { failuresOf } from '../../../registry/kind/config/find.ts';
import { grantor, management, type Grantor } from '../../../security/grantor.case.ts';
import type { ServerOptions } from '../../../server-options.ts';
import { createServer, type Server } from '../../../server.ts';
import { SocketClient, type Told } from '../socket-client.case.ts';
import { ConfigFeeds } from './config-feeds.ts';

let server: Server;
let configurations: Configurations;
let clients: SocketClient[] = [];

async function start(options: ServerOptions = {}): Promise<void> {
  server = await createServer(options);
  configurations = new Configurations({ registry: server.registry });
}

async function stop(): Promise<void> {
  vi.restoreAllMocks();
  for (const { webSocket } of clients) webSocket.terminate();
  clients = [];
  await server.close();
}

async function greeted(token?: string, hello: object = {}): Promise<SocketClient> {
  const client = await SocketClient.greeted(server.url, hello, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  clients.push(client);
  return client;
}

const refOf = (name: string, cluster = 'default', namespace = 'default') => {
  const [app = '', ...rest] = name.split('/');
  return { namespace, app, cluster, name: rest.join('/') };
};

const publish = (name: string, content: string, more: Partial<Publication> & { readonly cluster?: string; readonly namespace?: string } = {}) => {
  const { cluster, namespace, ...publication } = more;
  return configurations.publish(refOf(name, cluster, namespace), { content: Buffer.from(content), ...publication });
};

const watch = (name: string, more: object = {}) => ({ type: 'watch', views: [{ kind: 'config', name, ...more }] });

/** Content and release of each layer of a snapshot. */
const shown = ({ items }: Told) => (items as ConfigLayer[]).map(({ content, release }) => `${content}@${release}`);

/** Whether the client has got no push about a configuration. */
const quiet = (client: SocketClient) => client.inbox.every(({ type }) => type !== 'snapshot');

describe('without access control', () => {
  beforeEach(() => start());
  afterEach(stop);

  it('sends the content with its release, at once and after each change, and revisions rise', async () => {
    await publish('shop/main', 'a=1');
    const client = await greeted();
    const watching = await client.ask(watch('shop/main'));
    const first = await client.push('shop/main');
    expect(first).toMatchObject({ type: 'snapshot', view: { kind: 'config', name: 'shop/main' }, revision: (watching as { revisions?: unknown[] })['revisions']?.[0] });
    expect(first['items']).toEqual([expect.objectContaining({ app: 'shop', name: 'main', cluster: 'default', release: 1, content: 'a=1', hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string })]);
    await publish('shop/main', 'a=2');
    const second = await client.push('shop/main');
    expect(shown(second)).toEqual(['a=2@2']);
    expect(second['revision']).toBeGreaterThan(first['revision'] as number);
    // A rollback is a new release, so the number rises though the content is old.
    await configurations.rollback(refOf('shop/main'), 1);
    const third = await client.push('shop/main');
    expect(shown(third)).toEqual(['a=1@3']);
    expect(third['revision']).toBeGreaterThan(second['revision'] as number);
    await configurations.remove(refOf('shop/main'), undefined);
    expect(shown(await client.push('shop/main'))).toEqual([]);
  });

  it('pushes a large content to fewer readers in a turn', async () => {
    const turns: (() => void)[] = [];
    const feeds = new ConfigFeeds({ registry: server.registry, configurations, fanOut: new FanOut((turn) => void turns.push(turn)), datacentre: 'dc1' });
    let pushes = 0;
    const subscriber = { congested: false, defer: () => {}, ended: () => {}, push: () => void pushes++ };
    const members = Array.from({ length: 200 }, () => feeds.add({ kind: 'config', name: 'shop/main' }, { subscriber, access: { mayRead: () => true, mayReveal: () => true }, facts: {}, address: undefined, has: undefined }).member);
    onTestFinished(() => members.forEach((member) => member.cancel()));
    const perTurn = async (bytes: number) => {
      await publish('shop/main', 'x'.repeat(bytes), { confirmed: true });
      pushes = 0;
      const counts: number[] = [];
      for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
        const before = pushes;
        turn();
        counts.push(pushes - before);
      }
      return counts;
    };
    expect(await perTurn(1_000_000)).toEqual([...Array.from({ length: 6 }, () => 33), 2]);
    expect(await perTurn(1_000)).toEqual([200]);
  });

  it('sends nothing to a client that has these releases, and everything to one that has others', async () => {
    await publish('shop/main', 'a=1');
    const client = await greeted();
    await client.ask(watch('shop/main'));
    const { items, revision } = await client.push('shop/main');
    const releases = releasesOf(items as ConfigLayer[]);
    const same = await greeted();
    expect(await same.ask(watch('shop/main', { revision, releases }))).toMatchObject({ type: 'watching', revisions: [revision] });
    expect(quiet(same)).toBe(true);
    await publish('shop/main', 'a=2');
    expect(shown(await same.push('shop/main'))).toEqual(['a=2@2']);
    const other = await greeted();
    const watching = await other.ask(watch('shop/main', { revision, releases }));
    expect(shown(await other.push('shop/main'))).toEqual(['a=2@2']);
    expect((watching as { revisions?: number[] }).revisions?.[0]).toBeGreaterThan(revision as number);
  });

  it('wakes only the readers that a rollout gives another release, and encodes each release once', async () => {
    await publish('shop/main', 'old');
    const readers = await Promise.all(Array.from({ length: 6 }, () => greeted()));
    for (const [at, reader] of readers.entries()) {
      await reader.ask(watch('shop/main', { reader: { labels: { track: at < 2 ? 'canary' : 'stable' } } }));
      expect(shown(await reader.push('shop/main'))).toEqual(['old@1']);
    }
    const encoded = vi.spyOn(Contents.prototype, 'shown');
    await publish('shop/main', 'new', { rollout: { name: 'canary', priority: 0, rule: { kind: 'label', label: 'track', values: ['canary'] } } });
    for (const reader of readers.slice(0, 2)) {
      expect((await reader.push('shop/main'))['items']).toEqual([expect.objectContaining({ content: 'new', release: 2, rollout: 'canary' })]);
    }
    expect(encoded).toHaveBeenCalledTimes(1);
    // A later change for all comes next to those that the rollout left out, so they have got nothing between.
    await publish('shop/main', 'newest');
    for (const reader of readers.slice(2)) expect(shown(await reader.push('shop/main'))).toEqual(['newest@3']);
    expect(encoded).toHaveBeenCalledTimes(2);
    expect(readers.slice(0, 2).every(quiet)).toBe(true);
    // The rollout ends: its readers go to the release for all, at a newer revision.
    await configurations.remove(refOf('shop/main'), 'canary');
    for (const reader of readers.slice(0, 2)) expect(shown(await reader.push('shop/main'))).toEqual(['newest@3']);
  });

  it('looks rows up once for all readers, and chooses for each only while a rollout tells them apart', async () => {
    await publish('shop/main', 'old');
    const readers = await Promise.all(Array.from({ length: 6 }, () => greeted()));
    for (const [at, reader] of readers.entries()) {
      await reader.ask(watch('shop/main', { reader: { labels: { track: at < 2 ? 'canary' : 'stable' } } }));
      await reader.push('shop/main');
    }
    const looked = vi.spyOn(Configurations.prototype, 'candidatesFor');
    const chosen = vi.spyOn(Configurations.prototype, 'choose');
    await publish('shop/main', 'newer');
    for (const reader of readers) expect(shown(await reader.push('shop/main'))).toEqual(['newer@2']);
    expect([looked.mock.calls.length, chosen.mock.calls.length]).toEqual([1, 1]);
    await publish('shop/main', 'canary', { rollout: { name: 'canary', priority: 0, rule: { kind: 'label', label: 'track', values: ['canary'] } } });
    for (const reader of readers.slice(0, 2)) expect(shown(await reader.push('shop/main'))).toEqual(['canary@3']);
    await vi.waitUntil(() => chosen.mock.calls.length === 7, { timeout: 20_000 });
    expect(looked).toHaveBeenCalledTimes(2);
    expect(readers.slice(2).every(quiet)).toBe(true);
    await configurations.remove(refOf('shop/main'), 'canary');
    for (const reader of readers.slice(0, 2)) expect(shown(await reader.push('shop/main'))).toEqual(['newer@2']);
    expect([looked.mock.calls.length, chosen.mock.calls.length]).toEqual([3, 8]);
  });

  it('takes the configuration of the cluster first, and follows both', async () => {
    await publish('shop/main', 'for all');
    const client = await greeted();
    await client.ask(watch('shop/main', { cluster: 'eu' }));
    const first = await client.push('shop/main');
    expect(first['view']).toEqual({ kind: 'config', name: 'shop/main', cluster: 'eu' });
    expect(shown(first)).toEqual(['for all@1']);
    await publish('shop/main', 'for eu', { cluster: 'eu' });
    expect((await client.push('shop/main'))['items']).toEqual([expect.objectContaining({ content: 'for eu', cluster: 'eu', release: 1 })]);
    await publish('shop/main', 'for all, newer');
    await configurations.remove(refOf('shop/main', 'eu'), undefined);
    expect(shown(await client.push('shop/main'))).toEqual(['for all, newer@2']);
  });

  it('adds public parents as further layers, also those that are named later', async () => {
    await publish('base/common', 'b=1', { settings: { visibility: 'public' } });
    await publish('shop/main', 'a=1');
    const client = await greeted();
    await client.ask(watch('shop/main'));
    expect(shown(await client.push('shop/main'))).toEqual(['a=1@1']);
    await configurations.configure(refOf('shop/main'), { parents: [{ app: 'base', name: 'common' }] });
    expect(shown(await client.push('shop/main'))).toEqual(['a=1@1', 'b=1@1']);
    await publish('base/common', 'b=2');
    expect(shown(await client.push('shop/main'))).toEqual(['a=1@1', 'b=2@2']);
  });

  it('keeps namespaces apart', async () => {
    const client = await greeted();
    await client.ask(watch('shop/main', { namespace: 'test' }));
    expect(shown(await client.push('shop/main'))).toEqual([]);
    await publish('shop/main', 'of default');
    await server.registry.submit({ kind: 'namespace-put', name: 'test', description: '' });
    await publish('shop/main', 'of test', { namespace: 'test' });
    const pushed = await client.push('shop/main');
    expect([pushed['view'], shown(pushed)]).toEqual([{ kind: 'config', namespace: 'test', name: 'shop/main' }, ['of test@1']]);
  });

  it('takes reports about configurations that the stream watches', async () => {
    await publish('shop/main', 'a=1');
    const client = await greeted();
    const report = { type: 'config-report', name: 'shop/main', release: 1, applied: false, error: 'a must be 2' };
    expect(await client.ask(report)).toMatchObject({ type: 'done', applied: false });
    await client.ask(watch('shop/main'));
    expect(await client.ask(report)).toMatchObject({ type: 'done', applied: true });
    const answer = await fetch(`${server.url}/rollcall/v1/config/who?app=shop&name=main`);
    expect(await answer.json()).toEqual({
      readers: [expect.objectContaining({ instance: 'test', address: '127.0.0.1', release: 1, error: 'a must be 2', reader: expect.objectContaining({ client: 'test', via: 'stream', report: expect.objectContaining({ release: 1, applied: false }) as object }) as object })],
      count: 1,
      releases: [expect.objectContaining({ release: 1, readers: 1, errors: 1 })],
      missing: [],
    });
    expect(await client.ask({ ...report, error: 'x'.repeat(1_001) })).toMatchObject({ type: 'error', code: 'invalid_argument' });
  });

  it('stores an error of an instance while the release is that of a rollout, and forgets it when the instance uses it', async () => {
    await publish('shop/main', 'old');
    await publish('shop/main', 'new', { rollout: { name: 'some', priority: 0, rule: { kind: 'instance', instances: ['n/a'] } } });
    const failures = () => [...failuresOf(server.registry.state, refOf('shop/main'))].map(({ instance, release, error }) => [instance, release, error]);
    const report = { type: 'config-report', name: 'shop/main', release: 2, applied: false, error: 'no' };
    const [some, other] = [await greeted(), await greeted()];
    await some.ask(watch('shop/main', { reader: { instance: 'n/a' } }));
    await other.ask(watch('shop/main', { reader: { instance: 'n/b' } }));
    await other.ask({ ...report, release: 1 });
    await some.ask({ ...report, release: 1 });
    await some.ask(report);
    await vi.waitUntil(() => failures().length > 0, { timeout: 20_000 });
    expect(failures()).toEqual([['n/a', 2, 'no']]);
    await some.ask({ type: 'config-report', name: 'shop/main', release: 2, applied: true });
    await vi.waitUntil(() => failures().length === 0, { timeout: 20_000 });
  });

  it.each([
    [{ kind: 'config', name: 'main' }, 'views[0].name is "main", it must be APP/NAME'],
    [{ kind: 'config', name: 'shop/' }, 'views[0].name is "shop/", it must be APP/NAME'],
    [{ kind: 'config', name: '/main' }, 'views[0].name is "/main", it must be APP/NAME'],
    [{ kind: 'config', name: `shop/${'x'.repeat(600)}` }, 'views[0].name'],
    [{ kind: 'config', name: 'shop/main', cluster: 'a\nb' }, 'views[0].cluster'],
    [{ kind: 'config', name: 'shop/main', reader: { labels: { a: 1 } } }, 'views[0].reader.labels.a'],
    [{ kind: 'config', name: 'shop/main', reader: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`l${at}`, ''])) } }, 'views[0].reader.labels has 65 entries'],
    [{ kind: 'config', name: 'shop/main', releases: 'x'.repeat(32_769) }, 'views[0].releases'],
  ])('refuses to watch %j', async (view, message) => {
    const client = await greeted();
    const answer = await client.ask({ type: 'watch', views: [view] });
    expect(answer).toMatchObject({ type: 'error', code: 'invalid_argument' });
    expect((answer as unknown as { message: string }).message).toContain(message);
  });

  it('does not answer get with a configuration, and says what to do', async () => {
    const client = await greeted();
    expect(await client.ask({ type: 'get', view: { kind: 'config', name: 'shop/main' } })).toMatchObject({ type: 'error', message: 'view is a configuration, which is watched or read over HTTP' });
  });
});

describe('with access control', () => {
  let grants: Grantor;

  beforeEach(async () => {
    await start({ acl: { initialManagement: management } });
    grants = grantor(server.registry);
    await publish('base/common', 'b=1', { settings: { visibility: 'public' } });
    await publish('shop/main', 'a=1', { settings: { parents: [{ app: 'base', name: 'common' }] } });
  });
  afterEach(async () => {
    grants.close();
    await stop();
  });

  it('refuses a configuration that the token may not read', async () => {
    const client = await greeted((await grants.token('config "shop/other" { policy = "read" }')).secret);
    expect(await client.ask(watch('shop/main'))).toMatchObject({ type: 'error', code: 'permission_denied', message: expect.stringContaining('config') as string });
  });

  it('leaves out layers that the token may not read, and sends them when it may', async () => {
    const token = await grants.token('config "shop/main" { policy = "read" }');
    const client = await greeted(token.secret);
    await client.ask(watch('shop/main'));
    const part = await client.push('shop/main');
    expect([part['partial'], shown(part)]).toEqual([true, ['a=1@1']]);
    await grants.change(token, 'config_prefix "" { policy = "read" }');
    expect(shown(await client.push('shop/main'))).toEqual(['a=1@1', 'b=1@1']);
    await grants.change(token, 'config "shop/main" { policy = "read" }');
    expect(shown(await client.push('shop/main'))).toEqual(['a=1@1']);
    // Nothing of a layer that is hidden reaches the client.
    await publish('base/common', 'b=2');
    await publish('shop/main', 'a=2');
    expect(shown(await client.push('shop/main'))).toEqual(['a=2@2']);
  });

  it('ends the watch when the token may not read it any more', async () => {
    const token = await grants.token('config "shop/main" { policy = "read" }');
    const client = await greeted(token.secret);
    await client.ask(watch('shop/main'));
    await client.push('shop/main');
    await grants.change(token, '');
    expect(await client.push('shop/main')).toMatchObject({ type: 'watch-ended', code: 'permission_denied' });
    await publish('shop/main', 'a=2');
    expect(quiet(client)).toBe(true);
  });
});

describe('with keys for secrets', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'rollcall-keys-')), 'keys');
  let grants: Grantor;

  beforeEach(async () => {
    writeFileSync(file, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await start({ acl: { initialManagement: management }, configKeys: { file } });
    grants = grantor(server.registry);
  });
  afterEach(async () => {
    grants.close();
    await stop();
    rmSync(dirname(file), { recursive: true, force: true });
  });

  it('masks secrets for a client that may not reveal them, until it may', async () => {
    const headers = { authorization: `Bearer ${management}` };
    const body = JSON.stringify({ content: 'password={secret}hunter2{/secret}', format: 'properties' });
    const answer = await fetch(`${server.url}/rollcall/v1/config/publish?app=shop&name=main`, { method: 'POST', headers, body });
    expect(await answer.json()).toMatchObject({ done: true });
    const token = await grants.token('config "shop/main" { policy = "read" }');
    const client = await greeted(token.secret);
    await client.ask(watch('shop/main'));
    const [masked] = (await client.push('shop/main'))['items'] as ConfigLayer[];
    expect(masked).toMatchObject({ masked: true, content: expect.stringMatching(/^password=\{masked\}[\w-]{16}$/) as string });
    await grants.change(token, 'config "shop/main" { policy = "reveal" }');
    const [clear] = (await client.push('shop/main'))['items'] as ConfigLayer[];
    expect([clear?.content, clear?.masked]).toEqual(['password=hunter2', undefined]);
  });
});
