/** `rollcall import consul`, from a registry that programs take for a Consul: it is started by the shim. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { folder, rollcall, start, type Ended } from './processes.case.ts';

const shim = fileURLToPath(new URL('../../../conformance/consul/bin/consul', import.meta.url));
const management = 'e0e1c1a4-0000-4000-8000-000000000001';
const flags = ['agent', '-dev', '-dns-port=-1', '-http-port=0', '-log-level=err'];

/** With access control when a token is given, which may then do everything. */
function configuration(token: string | undefined): string[] {
  if (token === undefined) return [];
  const file = join(folder(), 'acl.hcl');
  writeFileSync(file, `acl { enabled = true, default_policy = "deny", tokens { initial_management = "${token}" } }`);
  return [`-config-file=${file}`];
}

async function startConsul(token?: string): Promise<string> {
  const child = spawn(shim, [...flags, '-node=source', ...configuration(token)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  });
  for await (const line of createInterface(child.stdout)) {
    const url = /HTTP {2}(http:\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the source did not start');
}

async function startTarget(token?: string): Promise<string> {
  const target = start([...flags, '-node=target', ...configuration(token)]);
  const [, url = ''] = await target.seen(/HTTP {2}(http:\S+)$/m);
  return url;
}

/** Calls of one registry; every answer must be a 200. */
function consulAt(url: string, token = '') {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      ...{ method, headers: { 'X-Consul-Token': token } },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    expect([path, answer.status]).toEqual([path, 200]);
    return answer;
  };
  const read = async <T>(path: string) => (await (await ask('GET', path)).json()) as T;
  const index = async (path: string) => (await ask('GET', path)).headers.get('x-consul-index');
  return { put: (path: string, body: unknown) => ask('PUT', path, body), ask, read, index };
}

interface Result {
  readonly copied: Readonly<Record<string, number>>;
  readonly kept: Readonly<Record<string, number>>;
  readonly failed: readonly object[];
  readonly skipped: readonly object[];
}

async function importing(from: string, to: string, env = {}, ...more: string[]): Promise<Ended & { result: Result }> {
  const ended = await rollcall(['import', 'consul', '--from', from, '--addr', to, '--json', ...more], { env });
  return { ...ended, result: JSON.parse(ended.stdout || '{}') as Result };
}

/** In front of `url`: shows secrets to those who may see them, as Consul does and a Rollcall cannot. */
async function showingSecrets(url: string, secrets: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    const { url: path = '', headers } = request;
    const token = String(headers['x-consul-token']);
    void fetch(`${url}${path}`, { headers: { 'X-Consul-Token': token } }).then(async (answer) => {
      const secret = secrets[/^\/v1\/acl\/token\/(.*)$/.exec(path)?.[1] ?? ''];
      const body = await answer.text();
      response.writeHead(answer.status).end(secret === undefined ? body : body.replace('<hidden>', secret));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('rollcall import consul', () => {
  it('copies the catalog, keys and prepared queries, each only once', async () => {
    const [from, to] = await Promise.all([startConsul(), startTarget()]);
    const [source, target] = [consulAt(from), consulAt(to)];
    await source.put('/v1/kv/plain?flags=18446744073709551615', 'value');
    await source.put('/v1/kv/odd%20%23/%C3%A9', 'é');
    await source.put('/v1/kv/empty', '');
    await source.put('/v1/agent/service/register', { Name: 'web', ID: 'web/1', Port: 80, Tags: ['a'], Check: { TTL: '60s', Status: 'passing' } });
    await source.put('/v1/catalog/register', {
      ...{ Node: 'ext', Address: '10.0.0.9', NodeMeta: { rack: 'r1' } },
      ...{ Service: { Service: 'db', Port: 5432, Meta: { k: 'v' } }, Check: { Name: 'up', Status: 'warning' } },
    });
    await source.put('/v1/catalog/register', {
      ...{ Node: 'ext', Address: '10.0.0.9', SkipNodeUpdate: true },
      Service: { Kind: 'connect-proxy', Service: 'sidecar' },
    });
    await source.ask('POST', '/v1/query', { Name: 'find', Service: { Service: 'db' }, DNS: { TTL: '7s' } });

    const rehearsed = await importing(from, to, {}, '--dry-run');
    expect(rehearsed.result.copied).toMatchObject({ nodes: 2, services: 2, checks: 3, keys: 3, 'prepared queries': 1 });
    expect(await target.read('/v1/catalog/nodes')).toHaveLength(1);

    const { code, result, stderr } = await importing(from, to);
    expect([code, stderr]).toEqual([0, '']);
    expect(result.copied).toEqual(rehearsed.result.copied);
    expect(result.failed).toEqual([]);
    expect(result.skipped).toContainEqual({ kind: 'services', name: 'sidecar on ext', reason: 'a connect-proxy; there is no service mesh' });
    const keys = await (await target.ask('GET', '/v1/kv/?recurse')).text();
    expect(keys).toContain('"Flags":18446744073709551615');
    expect(JSON.parse(keys)).toMatchObject([{ Key: 'empty', Value: null }, { Key: 'odd #/é', Value: 'w6k=' }, { Key: 'plain' }]);
    expect(await target.read('/v1/health/service/web?passing')).toMatchObject([{ Node: { Node: 'source' }, Service: { ID: 'web/1', Tags: ['a'] } }]);
    expect(await target.read('/v1/health/service/db')).toMatchObject([
      { Node: { Node: 'ext', Meta: { rack: 'r1' } }, Service: { Port: 5432, Meta: { k: 'v' } }, Checks: [{ Name: 'up', Status: 'warning' }] },
    ]);
    expect(await target.read('/v1/query/find/execute')).toMatchObject({ Service: 'db', DNS: { TTL: '7s' } });

    const index = await target.index('/v1/kv/?recurse');
    const again = await importing(from, to);
    expect(again.code).toBe(0);
    expect(again.result).toMatchObject({ copied: { nodes: 0, services: 0 }, kept: { nodes: 2, services: 2 } });
    expect(await target.index('/v1/kv/?recurse')).toBe(index);
  });

  it('reads one namespace and writes into another, which must exist', async () => {
    const [from, to] = await Promise.all([startConsul(management), startTarget('root')]);
    const [source, target] = [consulAt(from, management), consulAt(to, 'root')];
    await source.put('/v1/namespace', { Name: 'web-team' });
    for (const [ns, Port] of [['default', 1], ['web-team', 2]] as const) {
      await source.put(`/v1/catalog/register?ns=${ns}`, { Node: 'n', Address: '10.0.0.9', Service: { Service: 'web', Port }, Check: { Name: 'up', ServiceID: 'web', Status: 'passing' } });
      await source.put(`/v1/kv/key?ns=${ns}`, ns);
      await source.ask('POST', `/v1/query?ns=${ns}`, { Name: 'find', Service: { Service: 'web', Namespace: ns } });
      await source.put(`/v1/acl/policy?ns=${ns}`, { Name: `of-${ns}`, Rules: 'key_prefix "" { policy = "read" }' });
    }
    await source.put('/v1/catalog/register', { Node: 'n', Address: '10.0.0.9', Check: { CheckID: 'alive', Name: 'alive', Status: 'critical' } });
    const env = { CONSUL_HTTP_TOKEN: management, ROLLCALL_TOKEN: 'root' };
    const options = ['--namespace', 'team-a'];
    const early = await importing(from, to, env, ...options);
    expect([early.code, early.stderr]).toEqual([3, `rollcall: ${to} has no namespace team-a; create it with "rollcall namespaces create team-a"\n`]);
    expect((await importing(from, to, { ...env, CONSUL_NAMESPACE: 'a.b' })).stderr).toContain('CONSUL_NAMESPACE: "a.b" is no namespace');

    await target.put('/v1/namespace', { Name: 'team-a' });
    // The node and its check have changed here meanwhile.
    await target.put('/v1/catalog/register', { Node: 'n', Address: '10.0.0.9', Check: { CheckID: 'alive', Name: 'alive', Status: 'passing' } });
    const shown = async (ns: string) => ({
      ports: (await target.read<{ ServicePort: number }[]>(`/v1/catalog/service/web?ns=${ns}`)).map(({ ServicePort }) => ServicePort),
      keys: await target.read(`/v1/kv/?keys&ns=${ns}`),
      queries: (await target.read<unknown[]>(`/v1/query?ns=${ns}`)).length,
      policies: (await target.read<{ Name: string }[]>(`/v1/acl/policies?ns=${ns}`)).map(({ Name }) => Name).filter((name) => name.startsWith('of-')),
    });
    const { code, result } = await importing(from, to, { ...env, CONSUL_NAMESPACE: 'web-team' }, ...options);
    expect([code, result.failed]).toEqual([0, []]);
    expect(await shown('team-a')).toEqual({ ports: [2], keys: ['key'], queries: 1, policies: ['of-web-team'] });
    expect(await (await target.ask('GET', '/v1/kv/key?raw&ns=team-a')).text()).toBe('web-team');
    expect(await target.read('/v1/query/find/execute?ns=team-a')).toMatchObject({ Nodes: [{ Service: { Port: 2 } }] });
    expect(await shown('default')).toEqual({ ports: [], keys: [], queries: 0, policies: [] });
    expect(await target.read('/v1/health/node/n')).toMatchObject([{ CheckID: 'alive', Status: 'passing' }]);
    expect(await target.read('/v1/health/service/web?ns=team-a')).toMatchObject([
      { Checks: [{ CheckID: 'alive', Status: 'passing' }, { Name: 'up', Status: 'passing', Namespace: 'team-a' }] },
    ]);
  });

  it('keeps instances that have registered themselves meanwhile', async () => {
    const [from, to] = await Promise.all([startConsul(), startTarget()]);
    const [source, target] = [consulAt(from), consulAt(to)];
    const entry = (Port: number) => ({ Node: 'n', Address: '10.0.0.9', Service: { Service: 'web', Port }, Check: { Name: 'c', ServiceID: 'web', Status: 'critical' } });
    await source.put('/v1/catalog/register', entry(1));
    await target.put('/v1/catalog/register', { ...entry(2), Check: undefined });
    expect((await importing(from, to)).code).toBe(0);
    expect(await target.read('/v1/health/service/web')).toMatchObject([{ Service: { Port: 2 }, Checks: [] }]);
  });

  it('copies access control: policies, roles, and tokens that stay valid', async () => {
    const [from, to] = await Promise.all([startConsul(management), startTarget('root')]);
    const [source, target] = [consulAt(from, management), consulAt(to, 'root')];
    await source.put('/v1/kv/secret', 'x');
    await source.put('/v1/acl/policy', { Name: 'readers', Rules: 'key_prefix "" { policy = "read" }' });
    await source.put('/v1/acl/role', { Name: 'reader', Policies: [{ Name: 'readers' }], ServiceIdentities: [{ ServiceName: 'web' }] });
    const accessor = '11111111-2222-4333-8444-555555555555';
    const secret = 'aaaaaaaa-2222-4333-8444-555555555555';
    await source.put('/v1/acl/token', { AccessorID: accessor, SecretID: secret, Description: 'mine', Roles: [{ Name: 'reader' }] });

    const env = { CONSUL_HTTP_TOKEN: management, ROLLCALL_TOKEN: 'root' };
    const hidden = await importing(from, to, env);
    expect(hidden.code).toBe(1);
    expect(hidden.result.failed).toContainEqual({
      ...{ kind: 'tokens', name: accessor },
      reason: expect.stringContaining('its secret is not shown') as unknown,
    });

    const [own] = await source.read<{ AccessorID: string }[]>('/v1/acl/tokens').then((all) =>
      all.filter(({ AccessorID }) => AccessorID !== accessor && !AccessorID.endsWith('0002')),
    );
    const preset = '22222222-2222-4333-8444-555555555555';
    await source.put('/v1/acl/token', { AccessorID: preset, Policies: [{ Name: 'readers' }] });
    const consul = await showingSecrets(from, { [preset]: 'root', [accessor]: secret, [own?.AccessorID ?? '']: management });
    for (const _time of [1, 2]) {
      const { code, result } = await importing(consul, to, env);
      expect([code, result.failed]).toEqual([0, []]);
      expect(result.skipped).toContainEqual(expect.objectContaining({ kind: 'tokens', name: preset }));
      // Besides the token above, these are the source's management token and the anonymous token.
      expect(result.copied).toMatchObject({ policies: 1, roles: 1, tokens: 3, keys: 1 });
    }
    expect(await target.read('/v1/acl/policies')).toHaveLength((await source.read<unknown[]>('/v1/acl/policies')).length);
    expect(await consulAt(to, secret).read('/v1/kv/secret')).toMatchObject([{ Key: 'secret' }]);
    expect(await target.read(`/v1/acl/token/${accessor}`)).toMatchObject({ Description: 'mine', Roles: [{ Name: 'reader' }] });
    expect(await consulAt(to, management).read('/v1/acl/tokens')).toHaveLength(4);
  });

  it('reports rows that could not be copied, and ends with 1', async () => {
    const [from, to] = await Promise.all([startConsul(management), startTarget()]);
    const { code, result } = await importing(from, to, { CONSUL_HTTP_TOKEN: management });
    expect(code).toBe(1);
    expect(result.failed).toEqual([{ kind: 'access control', reason: `${to}: ACL support disabled (401)` }]);
    const shown = await rollcall(['import', 'consul', '--from', from, '--addr', to], { env: { CONSUL_HTTP_TOKEN: management } });
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/^copied:\n +0 {2}nodes/);
    expect(shown.stderr).toContain('rollcall: failed: access control: ');
  });

  it('ends with 4 when no server answers, and with 2 when no source is named', async () => {
    const silent = `http://127.0.0.1:${await freePort()}`;
    expect(await rollcall(['import', 'consul', '--from', silent, '--addr', silent])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`no answer from ${silent} (ECONNREFUSED)`) as unknown,
    });
    expect((await rollcall(['import', 'consul'])).code).toBe(2);
  });
});
