/**
 * `rollcall import apollo`, from a registry that programs take for an Apollo, and from answers in the form of Apollo's `ConfigController`
 * (github.com/apolloconfig/apollo), and from archives as its portal writes them. `conformance/apollo/import.mjs` runs it against an Apollo.
 */

import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zipSync } from 'fflate';
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

describe('rollcall import apollo', () => {
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

  it('asks for a confirmation of content that is emptied or halved, in a dry run, too', async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`key${at}`, 'value']));
    const { from } = await configService({ '/configs/loss/default/application': answer({ appId: 'loss', configurations: { k: 'v' } }) });
    await here(['config', 'publish', 'loss/application.properties', '--content', Object.entries(many).map(([key, value]) => `${key}=${value}`).join('\n'), '--addr', url()]);
    for (const args of [['--dry-run'], []]) {
      const { code, result } = await importing(from, ['--app', 'loss', ...args]);
      expect([code, result.failed[0]?.reason]).toEqual([1, expect.stringContaining('--confirm')]);
    }
    const { code, result } = await importing(from, ['--app', 'loss', '--confirm', '--dry-run']);
    expect([code, result.copied, (await get('loss/application.properties')).release]).toEqual([0, { configurations: 1 }, 1]);
    expect((await importing(from, ['--app', 'loss', '--confirm'])).code).toBe(0);
    expect(await values(url(), 'loss/default/application')).toEqual({ k: 'v' });
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
    for (const args of [[], ['a.zip', '--from', 'http://127.0.0.1:1'], ['a.zip', '--public'], ['--from', 'http://127.0.0.1:1', '--env', 'PRO', '--app', 'a']]) {
      expect(await here(['import', 'apollo', ...args]), args.join(' ')).toMatchObject({ code: 2 });
    }
    expect(await here(['import', 'apollo', '--from', 'http://127.0.0.1:1'])).toMatchObject({ code: 2, stderr: expect.stringContaining('name at least one app with --app') as string });
    expect(await here(['import', 'apollo', '--from', 'http://127.0.0.1:1', '--app', 'a'])).toMatchObject({ code: 4, stderr: expect.stringContaining('no answer from http://127.0.0.1:1') as string });
  });
});

/** An item as the portal of Apollo 2 writes it. */
const item = (key: string, value: string) => ({ id: 0, namespaceId: 0, key, type: 0, value, comment: key === '' ? '# a comment' : '', lineNum: 1, dataChangeCreatedBy: 'apollo' });

/** Writes an archive. @returns its path */
function archiveWith(files: Readonly<Record<string, unknown>>): string {
  const file = join(folder(), 'export.zip');
  const entries = Object.entries(files).map(([name, content]) => [name, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))] as const);
  writeFileSync(file, zipSync(Object.fromEntries(entries)));
  return file;
}

describe('rollcall import apollo FILE.zip', () => {
  const imported = async (args: readonly string[]) => {
    const ended = await here(['import', 'apollo', ...args, '--addr', url(), '--json']);
    return { ...ended, result: JSON.parse(ended.stdout || '{}') as { readonly copied: object; readonly failed: readonly object[]; readonly skipped: readonly object[] } };
  };

  it('copies items, contents, clusters and what is public, of one environment', async () => {
    const file = archiveWith({
      'apollo/zip/app.metadata': { appId: 'zip' },
      'zip+team.common.appnamespace.metadata': { name: 'team.common', appId: 'zip', format: 'properties', isPublic: true },
      'apollo/zip/PRO/default.cluster.metadata': { name: 'default', appId: 'zip' },
      'apollo/zip/PRO/zip+default+main.properties': [item('', ''), item('größe', '5'), item('a b', 'x\n y = z'), item('__proto__', 'own'), item('empty', '')],
      'apollo/zip/PRO/zip+blue+main.properties': [item('größe', '7')],
      'apollo/zip/PRO/zip+blue+features.yml': '',
      'apollo/zip/PRO/zip+default+features.yml': [item('content', 'on: true\n')],
      'apollo/zip/PRO/zip+default+beans.xml': [item('content', '<a b="c"/>')],
      'apollo/zip/PRO/zip+default+team.common.properties': [item('url', 'shared')],
      'apollo/zip/DEV/zip+default+main.properties': [item('größe', '1')],
    });
    expect(await imported([file])).toMatchObject({ code: 2, stderr: expect.stringContaining('the environments PRO, DEV; choose one with --env') as string });
    expect(await imported([file, '--env', 'UAT'])).toMatchObject({ code: 2, stderr: expect.stringContaining('no such namespace') as string });
    const dry = await imported([file, '--env', 'PRO', '--dry-run']);
    expect([dry.result.copied, (await get('zip/features.yml')).release]).toEqual([{ configurations: 5 }, undefined]);
    const { code, result } = await imported([file, '--env', 'PRO']);
    expect([code, result]).toEqual([0, { copied: { configurations: 5 }, kept: {}, failed: [], skipped: [{ kind: 'configurations', name: 'zip/blue/features.yml', reason: 'it has no items' }] }]);
    const found = await values(url(), 'zip/default/main');
    expect(Object.entries(found)).toEqual([['größe', '5'], ['a b', 'x\n y = z'], ['__proto__', 'own'], ['empty', '']]);
    expect(await values(url(), 'zip/blue/main')).toEqual({ größe: '7' });
    expect(await values(url(), 'zip/default/features.yml')).toEqual({ content: 'on: true\n' });
    expect(await values(url(), 'zip/default/beans.xml')).toEqual({ content: '<a b="c"/>' });
    expect(await get('zip/team.common.properties')).toMatchObject({ visibility: 'public', current: { message: 'from the archive of an Apollo, environment PRO' } });
    const smaller = await imported([file, '--env', 'DEV', '--app', 'zip']);
    expect([smaller.code, smaller.result.failed]).toEqual([1, [{ kind: 'configurations', name: 'zip/default/main', reason: expect.stringContaining('is halved: 46 bytes become 10') as string }]]);
  });

  it('reads the export of one app, and contents as Apollo 1 wrote them', async () => {
    const file = archiveWith({ 'old/PRO/old+default+main.properties': 'a=1\nb = 2\n', 'old/PRO/old+default+list.json': '[]', 'old/PRO/old+default+bad.properties': 'a=1\na=2\n' });
    const { code, result } = await imported([file]);
    expect([code, result.copied, result.failed]).toEqual([1, { configurations: 2 }, [{ kind: 'configurations', name: 'old/default/bad', reason: expect.stringContaining('line 2: key "a" is on line 1 already') as string }]]);
    expect(await values(url(), 'old/default/main')).toEqual({ a: '1', b: '2' });
    expect(await values(url(), 'old/default/list.json')).toEqual({ content: '[]' });
  });

  it('refuses what is no such archive, and names that would lead elsewhere stay names', async () => {
    const broken = join(folder(), 'broken.zip');
    writeFileSync(broken, 'no zip');
    expect(await imported([broken])).toMatchObject({ code: 1, stderr: expect.stringContaining('the archive cannot be used') as string });
    expect(await imported([archiveWith({ 'a.txt': 'x' })])).toMatchObject({ code: 1, stderr: expect.stringContaining('it has no file ENVIRONMENT/APP+CLUSTER+NAMESPACE') as string });
    expect(await imported([archiveWith({ 'PRO/a+b+large.properties': 'x'.repeat(9_000_000) })])).toMatchObject({ code: 1, stderr: expect.stringContaining('has 9000000 bytes, the limit is 8388608') as string });
    expect(await imported([join(folder(), 'none.zip')])).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read the archive') as string });
    const away = await imported([archiveWith({ '../../PRO/..+default+passwd.yml': 'a: 1' })]);
    expect([away.code, away.result.copied]).toEqual([0, { configurations: 1 }]);
  });
});
