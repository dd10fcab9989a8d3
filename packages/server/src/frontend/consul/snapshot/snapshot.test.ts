/** `/v1/snapshot`: saved by curl, it can be restored by curl; an invalid snapshot changes nothing. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { grantor, management } from '../../../security/grantor.case.ts';
import { Consul } from '../consul.case.ts';

const run = promisify(execFile);

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start();
  await consul.put('/v1/kv/color', 'blue');
  await consul.put('/v1/agent/service/register', { Name: 'web', Port: 80 });
});
afterEach(() => consul[Symbol.asyncDispose]());

const color = async () => (await consul.get('/v1/kv/color?raw')).text;

test('curl saves and restores a snapshot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-snapshot-'));
  try {
    const file = join(folder, 'snapshot.tgz');
    const url = `${consul.server.url}/v1/snapshot`;
    await run('curl', ['-sf', url, '-o', file]);
    await consul.put('/v1/kv/color', 'red');
    await consul.put('/v1/kv/other', 'x');
    await consul.put('/v1/agent/service/deregister/web');
    const before = (await consul.get('/v1/kv/color')).index;
    const { stdout } = await run('curl', ['-s', '-X', 'PUT', '--data-binary', `@${file}`, '-w', '%{http_code}', url]);
    expect(stdout).toBe('200');
    expect(await color()).toBe('blue');
    expect((await consul.get('/v1/kv/other')).status).toBe(404);
    expect((await consul.get('/v1/catalog/service/web')).json()).toHaveLength(1);
    // A waiting client must see the restore as a change.
    expect((await consul.get('/v1/kv/color')).index).toBeGreaterThan(before);
    expect((await readFile(file)).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('has the beginning of a snapshot of Consul', async () => {
  const answer = await consul.get('/v1/snapshot');
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/x-gzip',
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
    'x-consul-default-acl-policy': 'allow',
  });
  expect(answer.index).toBe(consul.server.registry.state.revision);
});

test('garbage, half a snapshot and a damaged one are refused and change nothing', async () => {
  const { bytes } = await consul.get('/v1/snapshot');
  await consul.put('/v1/kv/color', 'red');
  const unpacked = gunzipSync(bytes);
  unpacked[unpacked.length - 1] = (unpacked[unpacked.length - 1] ?? 0) ^ 1;
  const { revision } = consul.server.registry.state;
  for (const body of ['garbage', '', bytes.subarray(0, bytes.length / 2), gzipSync('x'), gzipSync(unpacked)]) {
    const answer = await consul.put('/v1/snapshot', body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(/^this (backup|snapshot) cannot be restored: /)]);
  }
  expect(await color()).toBe('red');
  expect(consul.server.registry.state.revision).toBe(revision);
  expect((await consul.ask('POST', '/v1/snapshot', {})).status).toBe(405);
});

test('a snapshot over the limit is refused with the text of Consul', async () => {
  await using small = await Consul.start({ limits: { restoreBytesMax: 100 } });
  const answer = await small.put('/v1/snapshot', Buffer.alloc(101));
  expect([answer.status, answer.text]).toEqual([413, 'Request body(101 bytes) too large, max size: 100 bytes.']);
});

test('with access control, only managers save and restore', async () => {
  await using guarded = await Consul.start({ acl: { initialManagement: management } });
  const grants = grantor(guarded.server.registry);
  const { secret } = await grants.token('operator = "write" key_prefix "" { policy = "write" } acl = "read"');
  const as = (token: string) => ({ headers: { 'X-Consul-Token': token } });
  const saved = await guarded.get('/v1/snapshot', as(management));
  expect(saved.status).toBe(200);
  for (const token of [secret, '']) {
    expect((await guarded.get('/v1/snapshot', as(token))).status).toBe(403);
    expect((await guarded.put('/v1/snapshot', saved.bytes, as(token))).status).toBe(403);
  }
  expect((await guarded.put('/v1/snapshot', saved.bytes, as(management))).status).toBe(200);
  grants.close();
});

test('everything of every namespace is restored into an empty registry', async () => {
  const options = { acl: { initialManagement: management } };
  await using source = await Consul.start(options);
  await using target = await Consul.start(options);
  const headers = { 'X-Consul-Token': management };
  const put = async (path: string, body: unknown, method = 'PUT') => {
    const answer = await source.ask(method, path, { headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
    expect([path, answer.status, answer.text]).toEqual([path, 200, answer.text]);
    return answer.text === '' ? {} : answer.json<Readonly<Record<string, string>>>();
  };
  const secrets = new Map<string, string | undefined>();
  await put('/v1/namespace', { Name: 'team-a', Description: 'of team A', Meta: { owner: 'ada' } });
  for (const namespace of ['default', 'team-a']) {
    const ns = `ns=${namespace}`;
    await put(`/v1/agent/service/register?${ns}`, { Name: 'web', Tags: [namespace], Check: { TTL: '60s', Status: 'passing' } });
    await put(`/v1/kv/color?${ns}`, namespace);
    const { ID: session = '' } = await put(`/v1/session/create?${ns}`, { Name: namespace });
    await put(`/v1/kv/leader?acquire=${session}&${ns}`, namespace);
    await put(`/v1/query?${ns}`, { Name: 'find', Service: { Service: 'web', Tags: [namespace] } }, 'POST');
    await put(`/v1/acl/policy?${ns}`, { Name: 'readers', Description: namespace, Rules: 'key_prefix "" { policy = "read" }' });
    await put(`/v1/acl/role?${ns}`, { Name: 'reader', Policies: [{ Name: 'readers' }] });
    secrets.set(namespace, (await put(`/v1/acl/token?${ns}`, { Description: namespace, Roles: [{ Name: 'reader' }] }))['SecretID']);
  }
  const { bytes } = await source.get('/v1/snapshot', { headers });
  const restored = await target.ask('PUT', '/v1/snapshot', { headers, body: bytes });
  expect([restored.status, restored.text]).toEqual([200, '']);

  /** Revisions of rows are those of the restore. */
  const shown = async (consul: Consul, path: string) => {
    const answer = await consul.get(path, { headers });
    expect([path, answer.status]).toEqual([path, 200]);
    return answer.text.replaceAll(/"(Create|Modify)Index":\d+/g, '"$1Index":0');
  };
  expect(await shown(target, '/v1/namespaces')).toBe(await shown(source, '/v1/namespaces'));
  for (const [namespace, secret = ''] of secrets) {
    for (const path of ['health/service/web', 'kv/?recurse', 'session/list', 'query', 'acl/policies', 'acl/roles', 'acl/tokens']) {
      const of = `/v1/${path}${path.includes('?') ? '&' : '?'}ns=${namespace}`;
      const before = await shown(source, of);
      // Policies and roles have a hash and names; everything else names its namespace in its content.
      expect([of, before]).toEqual([of, expect.stringContaining(path === 'acl/roles' ? 'readers' : namespace)]);
      expect([of, await shown(target, of)]).toEqual([of, before]);
    }
    const read = await target.get('/v1/kv/color?raw', { headers: { 'X-Consul-Token': secret } });
    expect([read.status, read.text]).toEqual([200, namespace]);
  }
});
