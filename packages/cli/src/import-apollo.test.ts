/**
 * `rollcall import apollo`, from a registry that programs take for an Apollo, and from answers in the form of Apollo's `ConfigController`
 * (github.com/apolloconfig/apollo). It was never run against an Apollo.
 */

import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folder, here, serve, sharedRegistry } from './processes.case.ts';

const { url } = sharedRegistry();

async function importing(from: string, args: readonly string[], env = {}) {
  const ended = await here(['import', 'apollo', '--from', from, '--addr', url(), '--json', ...args], { env });
  return { ...ended, result: JSON.parse(ended.stdout || '{}') as { readonly copied: object; readonly failed: readonly { readonly name: string; readonly reason: string }[]; readonly skipped: readonly { readonly name: string; readonly reason: string }[] } };
}

const get = async (name: string, ...more: string[]) => JSON.parse((await here(['config', 'get', name, '--json', '--addr', url(), ...more])).stdout || '{}') as Record<string, unknown>;
const values = async (registry: string, path: string) => ((await (await fetch(`${registry}/configs/${path}`)).json()) as { configurations: object }).configurations;

/** Answers each path with this JSON, and with 404 for others. */
async function configService(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const server = createServer(({ url: path = '' }, response) => {
    asked.push(path);
    const answer = answers[path.split('?')[0] ?? ''];
    response.writeHead(answer === undefined ? 404 : 200).end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? { status: 404 }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { from: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const answer = (more: object) => ({ appId: 'a', cluster: 'default', namespaceName: 'application', configurations: { k: 'v' }, releaseKey: '20260101000000-5c1d', ...more });

describe('rollcall import apollo', { timeout: 60_000 }, () => {
  it('copies keys, files and clusters, signed with the access key, and clients get the same', async () => {
    const keys = join(folder(), 'keys');
    writeFileSync(keys, 'orders the-secret\n');
    chmodSync(keys, 0o600);
    const { url: from } = await serve('--apollo-keys-file', keys);
    const publish = (...args: string[]) => here(['config', 'publish', ...args, '--addr', from]);
    await publish('orders/application.properties', '--content', 'größe = 5\na\\ b = \\u0001 x\\n y\nempty =\n');
    await publish('orders/application.properties', '--content', 'größe = 7', '--cluster', 'blue');
    await publish('orders/features.yml', '--content', 'on: true\n');
    await publish('orders/beans.xml', '--content', '<a b="c = d"/>\n', '--format', 'text');
    const args = ['--app', 'orders', '--cluster', 'default', '--cluster', 'blue', '--apollo-namespace', 'application', '--apollo-namespace', 'features.yml', '--apollo-namespace', 'beans.xml'];
    expect((await importing(from, args)).result.failed[0]?.reason).toContain('is not signed');
    const env = { APOLLO_ACCESS_KEY_SECRET: 'the-secret' };
    const dry = await importing(from, [...args, '--dry-run'], env);
    expect([dry.code, dry.result.copied, (await get('orders/features.yml')).release]).toEqual([0, { configurations: 4 }, undefined]);
    const { code, result } = await importing(from, args, env);
    expect([code, result.copied, result.failed]).toEqual([0, { configurations: 4 }, []]);
    expect(result.skipped.map(({ name, reason }) => `${name}: ${reason}`).toSorted()).toEqual([
      'orders/blue/beans.xml: the cluster has no release of its own; it gets that of the cluster default',
      'orders/blue/features.yml: the cluster has no release of its own; it gets that of the cluster default',
    ]);
    expect(await values(url(), 'orders/default/application')).toEqual({ 'größe': '5', 'a b': '\u0001 x\n y', 'empty': '' });
    expect(await values(url(), 'orders/blue/application')).toEqual({ größe: '7' });
    expect(await values(url(), 'orders/default/features.yml')).toEqual({ content: 'on: true\n' });
    expect(await values(url(), 'orders/default/beans.xml')).toEqual({ content: '<a b="c = d"/>\n' });
    expect(await get('orders/application.properties')).toMatchObject({ format: 'properties', release: 1, current: { message: expect.stringContaining('from Apollo, release 1-') as string } });
    await importing(from, args, env);
    expect(await get('orders/application.properties')).toMatchObject({ release: 1, last: 1 });
  });

  it('reports what cannot be copied, and copies the rest', async () => {
    const { from, asked } = await configService({
      '/configs/a/default/application': answer({}),
      '/configs/a/default/mixed': answer({ releaseKey: '20260101-1+20260102-2' }),
      '/configs/a/default/broken': '<html>',
      '/configs/a/default/strange': answer({ configurations: { k: 1 } }),
      '/configs/a/default/bad.json': answer({ configurations: { content: '{' } }),
    });
    const namespaces = ['application', 'mixed', 'broken', 'strange', 'bad.json', 'none', '../x'].flatMap((name) => ['--apollo-namespace', name]);
    const { code, result } = await importing(from, ['--app', 'a', '--public', ...namespaces]);
    expect([code, result.copied]).toEqual([1, { configurations: 1 }]);
    const reasons = Object.fromEntries(result.failed.map(({ name, reason }) => [name, reason]));
    expect(reasons).toEqual({
      'a/default/mixed': expect.stringContaining('mixed with those of the public namespace') as string,
      'a/default/broken': expect.stringContaining('not that of an Apollo config service') as string,
      'a/default/strange': expect.stringContaining('not that of an Apollo config service') as string,
      'a/default/bad.json': expect.stringContaining('the content is refused') as string,
      'a/default/none': expect.stringContaining('no such namespace') as string,
      'a/default/../x': expect.stringContaining('no such namespace') as string,
    });
    expect(await get('a/application.properties')).toMatchObject({ visibility: 'public', current: { content: 'k=v\n' } });
    expect(asked).toContain('/configs/a/default/application?ip=0.0.0.0');
    expect(asked).toContain('/configs/a/default/..%2Fx?ip=0.0.0.0');
  });

  it('says what is missing', async () => {
    expect(await here(['import', 'apollo', '--from', 'http://127.0.0.1:1'])).toMatchObject({ code: 2, stderr: expect.stringContaining('name at least one app with --app') as string });
    expect(await here(['import', 'apollo', '--from', 'http://127.0.0.1:1', '--app', 'a'])).toMatchObject({ code: 4, stderr: expect.stringContaining('no answer from http://127.0.0.1:1') as string });
  });
});
