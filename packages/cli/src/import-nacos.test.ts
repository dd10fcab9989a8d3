/** `rollcall import nacos`, from a registry that programs take for a Nacos: one that has all versions of its API, and one that has the first only. */

import { createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rollcall, start, type Ended } from './processes.case.ts';

const flags = ['serve', '--dev', '--http', '127.0.0.1:0', '--dns', 'off', '--log-level', 'error'];
const secret = 'e0e1c1a4-0000-4000-8000-000000000007';

/** With access control when a token is given, which may then do everything. */
async function startServer(token?: string): Promise<string> {
  const server = token === undefined ? start(flags) : start([...flags, '--acl'], { env: { ROLLCALL_ACL_INITIAL_MANAGEMENT: token } });
  const [, url = ''] = await server.seen(/HTTP {2}(http:\S+)$/m);
  return url;
}

/** In front of a registry: it has the first version of the API only; `plain`: and answers each question for a configuration with its content, as r-nacos does. */
async function oldServer(url: string, plain = false): Promise<string> {
  const server = createServer((incoming, response) => {
    const { url: asked = '', method, headers } = incoming;
    const path = plain ? asked.replace(/&(?:show=all|beta=true)/, '') : asked;
    if (path.startsWith('/nacos/v3')) {
      response.writeHead(404).end('{"status":404}');
      return;
    }
    incoming.pipe(request(`${url}${path}`, { method, headers }, (answer) => void answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers))));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Form = Readonly<Record<string, string>>;

function nacosAt(url: string, token = '') {
  const ask = async (method: string, path: string, form: Form, headers: Form = {}) => {
    const answer = await fetch(`${url}/nacos${path}?${new URLSearchParams(form).toString()}`, { method, headers: { accessToken: token, ...headers } });
    return { status: answer.status, text: await answer.text() };
  };
  const put = async (method: string, path: string, form: Form, headers: Form = {}) => {
    const { status, text } = await ask(method, path, form, headers);
    expect([path, status, text]).toEqual([path, 200, text]);
  };
  const json = async <T>(path: string, form: Form) => JSON.parse((await ask('GET', path, form)).text) as T;
  return { put, ask, json };
}

interface Result {
  readonly copied: Readonly<Record<string, number>>;
  readonly kept: Readonly<Record<string, number>>;
  readonly failed: readonly { readonly reason: string }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

async function importing(from: string, to: string, env = {}, ...more: string[]): Promise<Ended & { result: Result }> {
  const ended = await rollcall(['import', 'nacos', '--from', from, '--addr', to, '--json', ...more], { env });
  return { ...ended, result: JSON.parse(ended.stdout || '{}') as Result };
}

async function fill(url: string, token?: string): Promise<void> {
  const { put } = nacosAt(url, token);
  await put('POST', '/v1/console/namespaces', { customNamespaceId: 'team-a', namespaceName: 'Team A', namespaceDesc: 'about it' });
  await put('POST', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'größe: 1\n', type: 'yaml', desc: 'described', config_tags: 'blue,green', appName: 'shop', encryptedDataKey: 'K' });
  await put('POST', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'beta: 1' }, { betaIps: '10.0.0.1,10.0.0.2' });
  await put('POST', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'of team-a', tenant: 'team-a' });
  await put('POST', '/v1/ns/service', { serviceName: 'PAY@@orders', protectThreshold: '0.4', metadata: '{"owner":"pay"}' });
  await put('POST', '/v1/ns/instance', { serviceName: 'PAY@@orders', ip: '10.0.0.5', port: '80', ephemeral: 'false', healthy: 'false', weight: '3', clusterName: 'BLUE', metadata: '{"v":"1"}' });
  await put('PUT', '/v1/ns/cluster', { serviceName: 'PAY@@orders', clusterName: 'BLUE', checkPort: '80', useInstancePort4Check: 'true', healthChecker: '{"type":"NONE"}' });
  await put('POST', '/v1/ns/instance', { serviceName: 'web', ip: '10.0.0.6', port: '80', namespaceId: 'team-a' });
}

async function expectCopied(url: string, token?: string): Promise<void> {
  const { ask, json } = nacosAt(url, token);
  const config = await json<{ data: object }>('/v3/admin/cs/config', { dataId: 'app.yaml', groupName: 'G' });
  expect(config.data).toMatchObject({ content: 'größe: 1\n', type: 'yaml', desc: 'described', configTags: 'blue,green', appName: 'shop', encryptedDataKey: 'K' });
  expect((await ask('GET', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G' }, { 'x-forwarded-for': '10.0.0.2' })).text).toBe('beta: 1');
  expect((await ask('GET', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G', tenant: 'team-a' })).text).toBe('of team-a');
  expect(await json('/v3/admin/core/namespace', { namespaceId: 'team-a' })).toMatchObject({ data: { namespaceShowName: 'Team A', namespaceDesc: 'about it' } });
  expect(await json('/v3/admin/ns/service', { serviceName: 'orders', groupName: 'PAY' })).toMatchObject({ data: { protectThreshold: 0.4, metadata: { owner: 'pay' }, clusterMap: { BLUE: { healthChecker: { type: 'NONE' } } } } });
  expect(await json('/v3/admin/ns/instance/list', { serviceName: 'orders', groupName: 'PAY' })).toMatchObject({ data: [{ ip: '10.0.0.5', port: 80, weight: 3, ephemeral: false, clusterName: 'BLUE', metadata: { v: '1' } }] });
}

describe('rollcall import nacos', () => {
  it('copies namespaces, configurations, services and persistent instances, each only once', async () => {
    const [from, to] = await Promise.all([startServer(), startServer()]);
    await fill(from);
    const rehearsed = await importing(`${from}/nacos`, to, {}, '--dry-run');
    expect(rehearsed.result.copied).toMatchObject({ namespaces: 1, configurations: 2, 'gray releases': 1 });
    expect((await nacosAt(to).ask('GET', '/v1/cs/configs', { dataId: 'app.yaml', group: 'G' })).status).toBe(404);

    const { code, result, stderr } = await importing(`${from}/nacos`, to);
    expect([code, stderr, result.failed]).toEqual([0, '', []]);
    expect(result.copied).toEqual({ namespaces: 1, configurations: 2, 'gray releases': 1, services: 2, instances: 1 });
    expect(result.skipped.map(({ name }) => name)).toEqual(['public/DEFAULT_GROUP@@consul', '10.0.0.6:80 of team-a/DEFAULT_GROUP@@web']);
    await expectCopied(to);

    const again = await importing(from, to, {}, '--ephemeral');
    expect([again.code, again.result.copied]).toEqual([0, { namespaces: 0, configurations: 2, 'gray releases': 1, services: 0, instances: 1 }]);
    expect(again.result.kept).toEqual({ namespaces: 1, services: 2, instances: 1 });
    expect(await nacosAt(to).json('/v3/admin/ns/instance/list', { serviceName: 'web', namespaceId: 'team-a' })).toMatchObject({ data: [{ ip: '10.0.0.6', ephemeral: true, healthy: true }] });
  });

  it('reads a server that knows configurations by their content only', async () => {
    const [source, to] = await Promise.all([startServer(), startServer()]);
    const contents = { 'app.yaml': 'a: 1', 'like-an-answer.json': '{"content":"not this","dataId":"another","group":"G"}' };
    for (const [dataId, content] of Object.entries(contents)) await nacosAt(source).put('POST', '/v1/cs/configs', { dataId, group: 'G', content });
    const { code, result } = await importing(await oldServer(source, true), to);
    expect([code, result.failed, result.copied]).toMatchObject([0, [], { 'configurations': 2, 'gray releases': 0 }]);
    for (const [dataId, content] of Object.entries(contents)) expect((await nacosAt(to).ask('GET', '/v1/cs/configs', { dataId, group: 'G' })).text).toBe(content);
  });

  it('reads a server with the first version of the API, by a name and a password', async () => {
    const [source, to] = await Promise.all([startServer(secret), startServer(secret)]);
    await fill(source, secret);
    const from = await oldServer(source);
    const refused = await importing(from, to, { NACOS_USERNAME: 'nacos', NACOS_PASSWORD: 'nacos', ROLLCALL_TOKEN: secret });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unknown user')]);
    const { code, result } = await importing(from, to, { NACOS_USERNAME: 'nacos', NACOS_PASSWORD: secret, ROLLCALL_TOKEN: secret });
    expect([code, result.failed]).toEqual([0, []]);
    expect(result.copied).toEqual({ namespaces: 1, configurations: 2, 'gray releases': 1, services: 2, instances: 1 });
    await expectCopied(to, secret);
  });

  it('says what failed, and prints a report for people', async () => {
    const [from, to] = await Promise.all([startServer(), startServer(secret)]);
    await fill(from);
    const denied = await importing(from, to, { ROLLCALL_TOKEN: '' });
    expect([denied.code, denied.result.failed.length > 0]).toEqual([1, true]);
    const shown = await rollcall(['import', 'nacos', '--from', from, '--addr', to, '--dry-run'], { env: { ROLLCALL_TOKEN: secret } });
    expect(shown.stdout).toContain('would be copied:');
    expect(shown.stdout).toMatch(/2 {2}configurations/);
    const silent = await importing('http://127.0.0.1:1', to, { ROLLCALL_TOKEN: secret });
    expect([silent.code, silent.stderr]).toEqual([4, expect.stringContaining('no answer from http://127.0.0.1:1')]);
  });
});
