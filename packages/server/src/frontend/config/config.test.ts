/** The API of configurations on a real server: what an editor, an approver, a publisher and a client do. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { SocketClient } from '../stream/socket-client.case.ts';
import { configApi, shop, type Answer, type ConfigApi } from './config.case.ts';

let api: ConfigApi;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-config-'));
  const file = join(folder, 'keys');
  writeFileSync(file, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`);
  chmodSync(file, 0o600);
  api = await configApi({ configKeys: { file } });
  rmSync(folder, { recursive: true });
});
afterAll(() => api[Symbol.asyncDispose]());

let used = 0;
/** A configuration of its own for each test. */
const fresh = () => ({ app: 'shop', name: `app-${++used}` });
const publish = (at: Readonly<Record<string, string>>, content: string, more: object = {}): Promise<Answer> => api.post('/publish', at, { content, ...more });
const contentOf = async (at: Readonly<Record<string, string>>) => ((await api.get('', at)).json['current'] as { readonly content: string } | undefined)?.content;

describe('publishing', () => {
  test('gives clients the newest content, and keeps the history with who and why', async () => {
    const at = fresh();
    expect((await publish(at, 'a: 1\n', { format: 'yaml', message: 'first' })).json).toEqual({ done: true, release: 1 });
    expect((await publish({ ...at, by: 'ann' }, 'a: 2\n', { format: 'yaml' })).json).toEqual({ done: true, release: 2 });
    const { json } = await api.get('', at);
    expect(json).toMatchObject({ environment: 'default', ...at, cluster: 'default', release: 2, format: 'yaml', bytes: 5, current: { number: 2, content: 'a: 2\n', parent: 1, by: 'ann' } });
    const history = (await api.get('/history', at)).json as unknown as readonly object[];
    expect(history).toMatchObject([{ number: 2, by: 'ann' }, { number: 1, message: 'first', from: expect.stringContaining('127.0.0.1') as string }]);
    expect((await api.get('/diff', { ...at, from: '1', to: '2' })).json).toEqual([{ change: 'removed', text: 'a: 1' }, { change: 'added', text: 'a: 2' }]);
    expect((await api.get('/release', { ...at, number: '1' })).json).toMatchObject({ content: 'a: 1\n', hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  test('goes back by a new release', async () => {
    const at = fresh();
    await publish(at, 'one');
    await publish(at, 'two');
    expect((await api.post('/rollback', at, { to: 1, message: 'two was wrong' })).json).toEqual({ done: true, release: 3 });
    expect(await contentOf(at)).toBe('one');
    expect((await api.post('/rollback', at, { to: 9 })).status).toBe(404);
  });

  test('on the condition of an MD5, and removing', async () => {
    const at = fresh();
    await publish(at, 'one');
    expect((await publish(at, 'two', { cas: 'wrong' })).json).toEqual({ done: false });
    expect((await api.post('/remove', at, {})).json).toEqual({ done: true });
    expect((await api.post('/remove', at, {})).json).toEqual({ done: false });
    expect((await api.get('', at)).json).toMatchObject({ release: 0, last: 2 });
  });

  test.each<[string, string, string]>([
    ['yaml', 'a: 1\na: 2\n', 'a'],
    ['json', '{"a": 1, "a": 2}', 'a'],
    ['properties', 'a=1\na=2\n', 'key "a" is on line 1 already'],
    ['toml', 'a = 1\na = 2\n', 'a'],
    ['json', '{', ''],
  ])('refuses %s that is broken or has a key twice: %j', async (format, content, reason) => {
    const { status, json } = await publish(fresh(), content, { format });
    expect([status, json]).toEqual([400, { code: 'invalid_argument', message: expect.stringContaining('the content is refused') as string }]);
    expect(json['message']).toContain(reason);
  });

  test('asks again when content is emptied or halved', async () => {
    const at = fresh();
    await publish(at, 'x'.repeat(100));
    for (const content of ['', 'x'.repeat(49)]) {
      const { status, json } = await publish(at, content);
      expect([status, json['code'], json['message']]).toEqual([412, 'failed_precondition', expect.stringContaining('confirm it if that is meant')]);
    }
    expect((await publish(at, 'x', { confirmed: true })).json).toMatchObject({ done: true });
  });

  test('asks again when content is emptied or halved by a proposal, and not for a draft or for a few clients', async () => {
    const at = fresh();
    await publish(at, 'x'.repeat(100));
    for (const content of ['', 'x'.repeat(49)]) {
      const { revision } = (await api.post('/draft/save', at, { content })).json as { readonly revision: number };
      const asked = await api.post('/propose', at, { draft: revision });
      expect([asked.status, asked.json['message']]).toEqual([412, expect.stringContaining('confirm it if that is meant')]);
      expect((await api.post('/propose', at, { draft: revision, confirmed: true })).json).toEqual({ done: true, number: revision });
    }
    expect((await publish(at, 'x', { rollout: { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] } } })).json).toMatchObject({ done: true });
    expect(await contentOf(at)).toBe('x'.repeat(100));
  });

  test('checks content against the schema and the checks of the configuration', async () => {
    const at = fresh();
    const schema = JSON.stringify({ type: 'object', properties: { port: { type: 'integer' } }, required: ['port'] });
    expect((await api.post('/settings', at, { schema, checks: [{ expect: 'keys["port"] != "0"', message: 'the port must be real' }] })).json).toEqual({ done: true });
    expect((await publish(at, '{"port": "x"}', { format: 'json' })).json['message']).toContain('port');
    expect((await publish(at, '{"port": 0}', { format: 'json' })).json['message']).toContain('the port must be real');
    expect((await publish(at, '{"port": 80}', { format: 'json' })).json).toMatchObject({ done: true });
    expect((await api.post('/settings', at, { schema: '{"type": 7}' })).status).toBe(400);
    expect((await api.post('/settings', { ...at, by: 'ann' }, { visibility: 'public', message: 'for all' })).json).toEqual({ done: true });
    expect((await api.get('/history', at)).json).toMatchObject([
      { number: 3, step: 'settings', by: 'ann', message: 'for all', parent: 2, changes: [{ setting: 'visibility', after: 'public' }] }, { number: 2, step: 'publish' }, { number: 1, step: 'settings' },
    ]);
  });

  test('has limits, and says which field is wrong', async () => {
    const at = fresh();
    expect((await publish(at, 'x'.repeat(1_048_577))).status).toBe(400);
    const wrong = async (body: object | string) => (await api.post('/publish', at, body)).json['message'];
    expect(await Promise.all([wrong('x'), wrong('[]'), wrong({}), wrong({ content: 1 }), wrong({ content: '', nope: 1 }), wrong({ content: '', rollout: { name: 'n', plan: { stages: [{ bakeMs: 1 }] } } })])).toEqual([
      'the body is not JSON', 'the body must be an object', 'the body lacks content', 'content must be a text', expect.stringContaining('unknown field "nope"'), 'a stage has either percent or count',
    ]);
    expect((await api.post('/publish', { app: 'shop' }, { content: '' })).json['message']).toBe('the query lacks name');
    expect((await api.get('', { app: 'shop', name: 'none' })).json['message']).toBe('no configuration shop/none in cluster default of the environment default');
  });
});

describe('a client', () => {
  test('gets the layers of its cluster and its parents, with where each value comes from', async () => {
    const at = fresh();
    const parent = { app: 'platform', name: `${at.name}-db` };
    await publish(at, 'a=1\nb=2\n', { format: 'properties', settings: { parents: [parent] } });
    await publish({ ...at, cluster: 'blue' }, 'a=blue\n', { format: 'properties', settings: { parents: [parent] } });
    await publish(parent, 'b=9\nc=3\n', { format: 'properties', settings: { visibility: 'public' } });
    const { json } = await api.get('/resolve', { ...at, cluster: 'blue', datacentre: 'dc1' });
    expect(json['layers']).toMatchObject([{ cluster: 'blue', content: 'a=blue\n' }, { app: 'platform', content: 'b=9\nc=3\n' }]);
    expect(json['merged']).toEqual({
      ...{ format: 'properties', content: 'a=blue\nb=9\nc=3\n' },
      values: [{ key: 'a', value: 'blue', from: `shop/${at.name} in blue` }, { key: 'b', value: '9', from: `platform/${parent.name} in default` }, { key: 'c', value: '3', from: `platform/${parent.name} in default` }],
    });
  });

  test('gets the release of a rollout that its label names', async () => {
    const at = fresh();
    await publish(at, 'old');
    await publish(at, 'new', { rollout: { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] } } });
    const merged = async (query: object) => ((await api.get('/resolve', { ...at, ...query })).json['merged'] as { readonly content: string }).content;
    expect([await merged({ label: 'ring=beta' }), await merged({ label: 'ring=stable' }), await merged({})]).toEqual(['new', 'old', 'old']);
    expect((await api.get('/resolve', { ...at, label: 'ring' })).status).toBe(400);
    expect((await api.get('/resolve', { ...at, name: 'none' })).status).toBe(404);
  });
});

describe('secrets', () => {
  test('are stored sealed, shown masked, and kept by an edit of what was shown', async () => {
    const at = fresh();
    await publish(at, 'user=a\npassword={secret}hunter2{/secret}\n', { format: 'properties' });
    const masked = await contentOf(at);
    expect(masked).toMatch(/^user=a\npassword=\{masked\}[A-Za-z0-9_-]{16}\n$/);
    await publish(at, (masked ?? '').replace('user=a', 'user=b'), { format: 'properties' });
    expect(((await api.get('', { ...at, reveal: 'true' })).json['current'] as { readonly content: string }).content).toBe('user=b\npassword={secret}hunter2{/secret}\n');
    expect(((await api.get('/resolve', { ...at, reveal: 'true' })).json['merged'] as { readonly content: string }).content).toBe('user=b\npassword=hunter2\n');
    const stored = api.server.registry.state.get(`config-release\0default\0shop\u00002\0${at.name}`) as unknown as { readonly content: Uint8Array };
    expect(Buffer.from(stored.content).toString()).toMatch(/password=\{cipher\}rollcall:k1:/);
  });

  test('need an old key until they are saved or published again, without an edit', async () => {
    const engine = { ...memory(), close: () => Promise.resolve() };
    const line = (id: string) => `${id}:${randomBytes(32).toString('base64')}\n`;
    const [older, newer] = [line('2025'), line('2026')];
    const withKeys = async (text: string): Promise<ConfigApi> => {
      const folder = mkdtempSync(join(tmpdir(), 'rollcall-config-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'keys'), text, { mode: 0o600 });
      return configApi({ engine, configKeys: { file: join(folder, 'keys') } });
    };
    const content = 'password={secret}hunter2{/secret}\n';
    const names = ['published', 'rolled-back', 'proposed', 'drafted'];
    const at = (name: string) => ({ app: 'shop', name });
    {
      await using before = await withKeys(older);
      for (const name of ['published', 'rolled-back']) await before.post('/publish', at(name), { content, format: 'properties' });
      await before.post('/publish', at('rolled-back'), { content: 'password=changed', format: 'properties', confirmed: true });
      for (const name of ['proposed', 'drafted']) await before.post('/draft/save', at(name), { content, format: 'properties' });
      const { revision } = (await before.get('/draft', at('proposed'))).json as { readonly revision: number };
      await before.post('/propose', at('proposed'), { draft: revision });
      expect((await before.get('/old-keys')).json).toEqual([]);
    }
    {
      await using rotated = await withKeys(newer + older);
      const needs = async () => (await rotated.get('/old-keys')).json as unknown as readonly { readonly name: string; readonly keys: readonly string[]; readonly parts: readonly string[] }[];
      expect((await needs()).map(({ name, keys, parts }) => [name, keys, parts])).toEqual([
        ['drafted', ['2025'], ['draft']], ['proposed', ['2025'], ['draft', 'proposal']], ['published', ['2025'], ['release']], ['rolled-back', ['2025'], ['history']],
      ]);
      const shown = async (path: string, name: string) => (await rotated.get(path, at(name))).json as { readonly content: string; readonly current: { readonly content: string } };
      const { current } = await shown('', 'published');
      expect((await rotated.post('/publish', at('published'), { content: current.content, format: 'properties' })).json).toEqual({ done: true, release: 2 });
      expect((await rotated.post('/publish', at('published'), { content: current.content, format: 'properties' })).json).toEqual({ done: true, release: 2 });
      expect((await rotated.post('/rollback', at('rolled-back'), { to: 1 })).json).toEqual({ done: true, release: 3 });
      expect((await rotated.post('/rollback', at('rolled-back'), { to: 1 })).json).toEqual({ done: false });
      const [{ number } = { number: 0 }] = (await rotated.get('/proposals', { app: 'shop' })).json as unknown as readonly { readonly number: number }[];
      expect((await rotated.post('/proposal/publish', at('proposed'), { number })).json).toEqual({ done: true, release: 1 });
      await rotated.post('/draft/save', at('drafted'), { content: (await shown('/draft', 'drafted')).content, format: 'properties' });
      expect((await needs()).map(({ name, parts }) => [name, parts])).toEqual([['published', ['history']], ['rolled-back', ['history']]]);
    }
    await using after = await withKeys(newer);
    for (const name of names) {
      const { json } = await after.get(name === 'drafted' ? '/draft' : '', { ...at(name), reveal: 'true' });
      expect((name === 'drafted' ? json : json['current']) as object).toMatchObject({ content });
    }
    expect((await after.get('/release', { ...at('published'), number: '1', reveal: 'true' })).json['message']).toContain('encrypted with key 2025');
  });
});

describe('drafts and proposals', () => {
  test('save, propose, approve, publish', async () => {
    const at = { ...fresh(), environment: 'prod' };
    await api.server.registry.submit({ kind: 'namespace-put', name: 'prod' });
    expect((await api.ask('PUT', '/environment', { environment: 'prod' }, { order: 2, policy: { approvals: 1, fourEyes: true } })).json).toEqual({ done: true });
    expect((await publish(at, 'one')).json).toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('asks for 1 approval') as string });
    const { revision: draft } = (await api.post('/draft/save', { ...at, by: 'ann' }, { content: 'one', cas: 0 })).json as { readonly revision: number };
    expect((await api.post('/draft/save', { ...at, by: 'bob' }, { content: 'two', cas: 0 })).json).toMatchObject({ done: false });
    expect((await api.get('/draft', at)).json).toMatchObject({ revision: draft, content: 'one', editors: ['ann'], base: 0 });
    const { number } = (await api.post('/propose', { ...at, by: 'ann' }, { draft, message: 'why not' })).json as { readonly number: number };
    expect((await api.post('/proposal/approve', { ...at, by: 'ann' }, { number })).status).toBe(412);
    expect((await api.post('/proposal/publish', at, { number })).json['message']).toContain('has 0 of 1 approvals');
    expect((await api.get('/proposals', { environment: 'prod', app: 'shop' })).json).toMatchObject([{ number, state: 'open', missing: 1, message: 'why not' }]);
    expect((await api.post('/proposal/approve', { ...at, by: 'bob' }, { number })).json).toEqual({ done: true });
    expect((await api.get('/proposal', { ...at, number: String(number) })).json).toMatchObject({ missing: 0, content: 'one', diff: [{ change: 'added', text: 'one' }] });
    expect((await api.post('/proposal/publish', { ...at, by: 'pat' }, { number })).json).toEqual({ done: true, release: 1 });
    expect([await contentOf(at), (await api.get('/draft', at)).status]).toEqual(['one', 404]);
    expect((await api.get('/environments')).json).toMatchObject([{ environment: 'prod', order: 2, policy: { approvals: 1, fourEyes: true } }, { environment: 'default', order: 0, policy: {} }]);
    const revision = ((await api.get('/environments')).json as unknown as readonly { readonly revision: number }[])[0]?.revision ?? 0;
    expect((await api.ask('PUT', '/environment', { environment: 'prod' }, { order: 2, policy: {}, cas: revision + 1 })).json).toEqual({ done: false });
    expect((await api.ask('DELETE', '/environment', { environment: 'prod', by: 'eve' }, undefined)).json).toEqual({ done: true });
    expect((await api.get('/environment/history', { environment: 'prod' })).json).toMatchObject([{ number: 2, before: { order: 2 }, by: 'eve' }, { number: 1, after: { order: 2, policy: { approvals: 1, fourEyes: true } } }]);
    expect((await publish(at, 'two')).json).toMatchObject({ done: true });
  });

  test('remove a configuration where approvals are asked for', async () => {
    const at = { ...fresh(), environment: 'guarded' };
    await api.server.registry.submit({ kind: 'namespace-put', name: 'guarded' });
    await publish(at, 'one\n');
    await api.ask('PUT', '/environment', { environment: 'guarded' }, { order: 2, policy: { approvals: 1 } });
    expect((await api.post('/remove', at, {})).json['message']).toContain('save a draft of the removal');
    expect((await api.post('/draft/save', at, { content: '', remove: true })).json['message']).toBe('a draft has either content, or remove: true');
    expect((await api.post('/draft/save', at, {})).json['message']).toBe('a draft has either content, or remove: true');
    const { revision } = (await api.post('/draft/save', { ...at, by: 'ann' }, { remove: true })).json as { readonly revision: number };
    expect((await api.get('', at)).json).toMatchObject({ draft: { revision, remove: true, base: 1 } });
    expect((await api.get('/diff', { ...at, from: '1', to: 'draft' })).json).toEqual([{ change: 'removed', text: 'one' }]);
    expect((await api.post('/propose', { ...at, by: 'ann' }, { draft: revision, message: 'unused' })).json).toEqual({ done: true, number: revision });
    expect((await api.get('/proposal', { ...at, number: String(revision) })).json).toMatchObject({ remove: true, missing: 1, diff: [{ change: 'removed', text: 'one' }] });
    await api.post('/proposal/approve', { ...at, by: 'bob' }, { number: revision });
    expect((await api.post('/proposal/publish', at, { number: revision })).json).toEqual({ done: true, release: 2, removed: true });
    expect((await api.get('/resolve', at)).status).toBe(404);
    expect((await api.get('/history', at)).json).toMatchObject([{ number: 2, step: 'remove', parent: 1, message: 'unused' }, { number: 1 }]);
  });

  test('a proposal says how it is published; other terms need another proposal, and void the approvals of this one', async () => {
    const at = { ...fresh(), environment: 'planned' };
    await api.server.registry.submit({ kind: 'namespace-put', name: 'planned' });
    await publish(at, 'one');
    await api.ask('PUT', '/environment', { environment: 'planned' }, { order: 3, policy: { approvals: 1 } });
    const { revision: draft } = (await api.post('/draft/save', { ...at, by: 'ann' }, { content: 'two' })).json as { readonly revision: number };
    const beta = { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] }, priority: 0 };
    const propose = (more: object) => api.post('/propose', { ...at, by: 'ann' }, { draft, ...more });
    expect((await propose({ rollout: beta })).json).toEqual({ done: true, number: draft });
    await api.post('/proposal/approve', { ...at, by: 'bob' }, { number: draft });
    expect((await propose({ rollout: beta })).json['message']).toContain('is proposed already');
    const other = { ...beta, rule: { ...beta.rule, values: ['beta', 'gold'] } };
    expect((await propose({ rollout: other })).json['message']).toContain('with another rollout or time; to void that proposal and its approvals, ask to replace it ("replace": true');
    const { number } = (await propose({ rollout: other, replace: true })).json as { readonly number: number };
    expect((await api.get('/proposals', at)).json).toMatchObject([{ number, state: 'open', missing: 1, rollout: other }, { number: draft, state: 'void', rollout: beta }]);
    expect((await api.get('/approvers', { ...at, number: String(number) })).json).toEqual({ approvals: 1, fourEyes: false, accessControl: false });
    await api.post('/proposal/approve', { ...at, by: 'bob' }, { number });
    expect((await api.post('/proposal/publish', at, { number })).json).toEqual({ done: true, release: 2, rollout: 'beta' });
    const got = async (label: string) => ((await api.get('/resolve', { ...at, label: `ring=${label}` })).json['merged'] as { readonly content: string }).content;
    expect([await contentOf(at), await got('gold'), await got('silver')]).toEqual(['one', 'two', 'one']);
  });

  test('a draft is thrown away, and a proposal withdrawn', async () => {
    const at = fresh();
    const { revision } = (await api.post('/draft/save', at, { content: 'one' })).json as { readonly revision: number };
    const { number } = (await api.post('/propose', at, { draft: revision })).json as { readonly number: number };
    expect((await api.post('/proposal/withdraw', at, { number })).json).toEqual({ done: true });
    expect((await api.post('/draft/discard', at, { cas: 1 })).json).toEqual({ done: false });
    expect((await api.post('/draft/discard', at, {})).json).toEqual({ done: true });
  });
});

describe('a rollout', () => {
  test('is seen in who, and is controlled', async () => {
    const at = { app: 'fleet', name: 'app' };
    for (const node of ['n1', 'n2', 'n3']) {
      await api.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure', instances: [{ id: 'fleet', service: 'fleet' }] });
    }
    await publish(at, 'old');
    expect((await publish(at, 'new', { rollout: { name: 'next', plan: { stages: [{ count: 1, bakeMs: 600_000 }], alarm: { on: ['unhealthy', 'error'], share: 1, atLeast: 3 } } } })).json).toEqual({ done: true, release: 2, rollout: 'next' });
    const who = async () => (await api.get('/who', at)).json['readers'] as readonly { readonly instance: string; readonly release: number; readonly error?: string }[];
    const [taken] = (await who()).filter(({ release }) => release === 2);
    expect((await who()).map(({ release }) => release).toSorted((a, b) => a - b)).toEqual([1, 1, 2]);
    expect((await api.post('/report', at, { release: 2, instance: taken?.instance ?? '', error: 'cannot parse' })).json).toEqual({ done: true });
    expect((await who()).find(({ release }) => release === 2)?.error).toBe('cannot parse');
    await api.server.registry.submit({ kind: 'config-lost', namespace: 'default', cluster: 'default', ...at, rollout: 'next', release: 2, with: ['gone/fleet'], without: ['other/fleet'] });
    expect(await who()).toHaveLength(4);
    expect((await who())[3]).toMatchObject({ instance: 'gone/fleet', address: '', release: 2, rollout: 'next', unhealthy: true, error: expect.stringMatching(/^it was lost at \d{4}-/) as string });
    expect((await api.post('/rollout', at, { rollout: 'next', action: 'pause' })).json).toEqual({ done: true });
    expect((await api.get('', at)).json['rollouts']).toMatchObject([{ name: 'next', staged: { state: 'paused', stage: 0 } }]);
    expect((await api.post('/rollout', at, { rollout: 'next', action: 'stop', message: 'enough' })).json).toEqual({ done: true });
    expect(((await api.get('/history', at)).json as unknown as readonly object[])[0]).toMatchObject({ step: 'rollout-stop', message: 'enough' });
    expect((await who()).map(({ release }) => release)).toEqual([1, 1, 1]);
  });
});

test('who shows what connected clients say that they have applied', async () => {
  const at = { app: 'crew', name: 'app' };
  await api.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.1' }, nodeMode: 'ensure', instances: [{ id: 'crew', service: 'crew' }] });
  await publish(at, 'old');
  const [instance, other] = [await SocketClient.greeted(api.server.url, { client: 'one' }), await SocketClient.greeted(api.server.url, { client: 'two' })];
  onTestFinished(() => {
    for (const { webSocket } of [instance, other]) webSocket.terminate();
  });
  await instance.ask({ type: 'watch', views: [{ kind: 'config', name: 'crew/app', reader: { instance: 'n1/crew' } }] });
  await other.ask({ type: 'watch', views: [{ kind: 'config', name: 'crew/app' }] });
  await instance.ask({ type: 'config-report', name: 'crew/app', release: 1, applied: true });
  await other.ask({ type: 'config-report', name: 'crew/app', release: 1, applied: false, error: 'cannot parse' });
  const { readers, missing } = (await api.get('/who', at)).json as { readonly readers: readonly object[]; readonly missing: readonly string[] };
  expect(readers).toMatchObject([{ instance: 'n1/crew', release: 1, applied: 1, unhealthy: false }, { release: 1, error: 'cannot parse' }]);
  expect([readers.length, missing, 'applied' in (readers[1] ?? {})]).toEqual([2, [], false]);
});

test('a program of the operator must agree, and its silence is a refusal', async () => {
  const asked: string[] = [];
  let answer = '{"valid": false, "message": "replicas must be odd"}';
  const hook = createHttpServer((request, response) => {
    request.on('data', (chunk: Buffer) => asked.push(chunk.toString()));
    request.on('end', () => response.end(answer));
  });
  await new Promise<void>((listening) => hook.listen(0, '127.0.0.1', listening));
  onTestFinished(() => new Promise<void>((closed) => hook.close(() => closed())));
  await api.server.registry.submit({ kind: 'namespace-put', name: 'hooked' });
  const webhook = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/agree`;
  await api.ask('PUT', '/environment', { environment: 'hooked' }, { order: 1, policy: { webhook } });
  const at = { ...fresh(), environment: 'hooked' };
  expect((await publish(at, 'password={secret}x{/secret}', { format: 'properties' })).json['message']).toContain('replicas must be odd');
  expect(JSON.parse(asked.join(''))).toMatchObject({ namespace: 'hooked', app: 'shop', format: 'properties', content: expect.stringMatching(/^password=\{masked\}/) as string });
  answer = 'hello';
  expect((await publish(at, 'a=1')).status).toBe(412);
  answer = '{"valid": true}';
  expect((await publish(at, 'a=1')).json).toEqual({ done: true, release: 1 });
});

test('the list is in order, and a page of another origin is refused', async () => {
  await publish({ app: 'zoo', name: 'b' }, 'x');
  await publish({ app: 'zoo', name: 'a' }, 'x', { settings: { schema: '' } });
  const names = ((await api.get('/list', { app: 'zoo' })).json as unknown as readonly { readonly name: string }[]).map(({ name }) => name);
  expect(names).toEqual(['a', 'b']);
  const evil = await fetch(`${api.server.url}/rollcall/v1/config/list`, { headers: { origin: 'https://evil.test' } });
  expect(evil.status).toBe(403);
  expect((await fetch(`${api.server.url}/rollcall/v1/config/nope`)).status).toBe(404);
  expect((await fetch(`${api.server.url}/rollcall/v1/config/publish`)).status).toBe(405);
  onTestFinished(() => {});
  expect((await api.get('/list', { ...shop })).status).toBe(200);
});

describe('a page that asks every second', () => {
  const ask = (path: string, query: Readonly<Record<string, string>>, tag = '') =>
    fetch(`${api.server.url}/rollcall/v1/config${path}?${new URLSearchParams(query)}`, { headers: tag === '' ? {} : { 'if-none-match': tag } });

  test('gets an answer only when what it shows has changed', async () => {
    const at = fresh();
    await publish(at, 'a=1', { format: 'properties' });
    const paths: readonly (readonly [string, Readonly<Record<string, string>>])[] = [['', at], ['/list', {}], ['/history', at], ['/proposals', {}], ['/environments', {}], ['/pending', {}]];
    const statuses = async (tags: readonly string[]) => Promise.all(paths.map(async ([path, query], n) => (await ask(path, query, tags[n])).status));
    const tagsNow = () => Promise.all(paths.map(async ([path, query]) => (await ask(path, query)).headers.get('etag') ?? ''));
    let tags = await tagsNow();
    await fetch(`${api.server.url}/v1/kv/other`, { method: 'PUT', body: 'x' });
    expect(await statuses(tags)).toEqual([304, 304, 304, 304, 304, 304]);
    const { json: { revision } } = await api.post('/draft/save', at, { content: 'a=2', format: 'properties' });
    expect(await statuses(tags)).toEqual([200, 200, 304, 200, 304, 200]);
    tags = await tagsNow();
    await api.post('/propose', at, { draft: revision });
    await api.post('/draft/discard', at, {});
    expect(await statuses(tags)).toEqual([200, 200, 304, 200, 304, 200]);
    tags = await tagsNow();
    await publish(at, 'a=3', { format: 'properties' });
    expect(await statuses(tags)).toEqual([200, 200, 200, 304, 304, 200]);
    // What is asked with secrets is answered each time.
    expect((await ask('', { ...at, reveal: 'true' })).headers.get('etag')).toBeNull();
    expect((await ask('', { ...at, name: 'none' })).headers.get('etag')).toBeNull();
  });

  test('sees rollouts and open proposals of all environments', async () => {
    const at = fresh();
    await publish(at, 'a: 1', { format: 'yaml' });
    const { json: { revision } } = await api.post('/draft/save', { ...at, by: 'ann' }, { content: 'a: 2', format: 'yaml' });
    await api.post('/propose', { ...at, by: 'ann' }, { draft: revision, message: 'two' });
    await publish(at, 'a: 3', { format: 'yaml', rollout: { name: 'release', plan: { stages: [{ percent: 10, bakeMs: 60_000 }, { percent: 50, bakeMs: 60_000 }] } } });
    const { json } = await api.get('/pending');
    expect(json['rollouts']).toEqual([{ environment: 'default', ...at, cluster: 'default', rollout: 'release', release: 2, stage: 0, stages: 2, state: 'running', sinceMs: expect.any(Number) as number }]);
    expect((json['proposals'] as readonly { readonly name: string }[]).filter(({ name }) => name === at.name)).toMatchObject([{ environment: 'default', ...at, number: revision, by: 'ann', message: 'two', state: 'open', can: ['approve', 'publish', 'edit'] }]);
    await api.post('/rollout', at, { rollout: 'release', action: 'stop' });
  });
});

test('content is checked with all its faults and their places, and nothing is saved', async () => {
  const at = fresh();
  await publish(at, 'port: 80\npassword: {secret}hunter2{/secret}\nname: a long name of it\n', { format: 'yaml', settings: { schema: '{"properties": {"port": {"type": "integer"}, "password": {"minLength": 7, "maxLength": 7}}}' } });
  const check = async (content: string) => (await api.post('/check', at, { content, format: 'yaml', publishing: true })).json;
  const masked = (await contentOf(at)) ?? '';
  expect(await check(masked)).toEqual({ faults: [], checks: ['it is valid yaml', 'the schema holds'], refusals: [] });
  expect(await check(masked.replace('80', 'eighty'))).toMatchObject({ faults: [{ kind: 'schema', path: '/port' }], checks: [] });
  expect(await check('port: 80')).toMatchObject({ faults: [], refusals: [{ reason: 'loss', message: 'the content is halved' }] });
  expect(((await check('port: [80')) as { readonly faults: readonly object[] }).faults[0]).toMatchObject({ kind: 'syntax', line: 1 });
  expect((await api.get('/draft', at)).status).toBe(404);
});

test('the past is as it was: rows, contents and drafts, with secrets masked', async () => {
  const at = fresh();
  await publish(at, 'a=1\npassword={secret}hunter2{/secret}\n', { format: 'properties' });
  const { json: { revision } } = await api.get('', at);
  const past = { at: `r${String(revision)}` };
  await publish(at, 'a=2\nb=2\n', { format: 'properties', confirmed: true });
  await api.post('/draft/save', at, { content: 'a=3\nb=2\n', format: 'properties' });
  const { json } = await api.get('', { ...at, ...past, whole: 'true', reveal: 'true' });
  expect(json).toMatchObject({ release: 1, current: { number: 1, content: expect.stringMatching(/^a=1\npassword=\{masked\}/) as string } });
  expect(json['draft']).toBeUndefined();
  const lengths = async (query: Readonly<Record<string, string>>) => ((await api.get('/history', { ...at, ...query })).json as unknown as readonly object[]).length;
  expect([await lengths(past), await lengths({})]).toEqual([1, 2]);
  const listed = (await api.get('/list', past)).json as unknown as readonly { readonly name: string; readonly release: number; readonly draft?: object }[];
  expect(listed.find(({ name }) => name === at.name)).toMatchObject({ release: 1 });
  expect((await api.get('/resolve', { ...at, ...past })).json['layers']).toMatchObject([{ release: 1 }]);
  const heads = await Promise.all(['', '/who'].map(async (path) => (await fetch(`${api.server.url}/rollcall/v1/config${path}?${new URLSearchParams({ ...at, ...past })}`)).headers.get('x-rollcall-as-of')));
  expect(heads).toEqual([expect.stringMatching(/^\d+$/), null]);
  expect((await api.get('', { ...at, at: 'yesterday' })).status).toBe(400);
});

test('a draft of another editor is replaced only on the condition of its revision', async () => {
  const at = fresh();
  const save = (by: string, content: string, more: object = { own: true }) => api.post('/draft/save', { ...at, by }, { content, format: 'yaml', ...more });
  expect((await save('ann', 'a: 1')).json).toMatchObject({ done: true });
  const { json: { revision } } = await save('ann', 'a: 2');
  expect((await save('bob', 'a: 2')).json).toMatchObject({ done: true, revision });
  const refused = await save('bob', 'b: 1');
  expect([refused.status, refused.json['message']]).toEqual([412, expect.stringMatching(`draft ${String(revision)} of shop/${at.name} was edited by ann; .*--cas ${String(revision)}`)]);
  expect((await save('bob', 'b: 1', { cas: revision })).json).toMatchObject({ done: true });
  expect((await save('ann', 'a: 3')).json['message']).toContain('was edited by bob');
});

test('who gets which release is counted over all, and listed up to a limit, those with a fault first', async () => {
  const at = { app: 'herd', name: 'app' };
  await publish(at, 'a: 1', { format: 'yaml' });
  const register = (n: number, Status: string) =>
    fetch(`${api.server.url}/v1/catalog/register`, { method: 'PUT', body: JSON.stringify({ Node: `herd-${n}`, Address: '10.1.0.1', Service: { ID: 'herd', Service: 'herd' }, Check: { Name: 'c', CheckID: 'c', ServiceID: 'herd', Status } }) });
  for (const [n, status] of ['passing', 'passing', 'critical', 'passing'].entries()) await register(n, status);
  const { json } = await api.get('/who', { ...at, limit: '2' });
  expect(json['releases']).toEqual([{ release: 1, readers: 4, instances: 4, applied: 0, unhealthy: 1, errors: 0, faulty: 1 }]);
  expect((json['readers'] as readonly { readonly instance: string }[]).map(({ instance }) => instance)).toEqual(['herd-2/herd', 'herd-0/herd']);
});
