/** Apollo's own Java client 2.4.0, unmodified: it reads, merges, is told of changes, and signs its requests. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigServer } from '../../../packages/server/src/config-server.case.ts';
import { stagedRollout } from '../../../packages/server/src/registry/kind/config/find.ts';
import { freePorts } from '../../free-ports.mjs';
import { buildJava, startJava, type JavaProgram } from '../../java-program.mjs';

const { problem, programs } = buildJava(fileURLToPath(new URL('../client', import.meta.url)), 'apollo-client');
it('the client is built', () => expect(problem).toBeUndefined());

describe.runIf(problem === undefined)('the Java client', () => {
  let apollo: ConfigServer;
  let folder = '';
  const clients: JavaProgram[] = [];

  /** A client of the app with these settings, which are Apollo's. */
  async function start(settings: Readonly<Record<string, string>>): Promise<(path: string, query?: Record<string, string>) => Promise<string>> {
    const [port = 0] = await freePorts(1);
    const cache = join(folder, String(port));
    const all = { 'apollo.meta': apollo.server.url, 'apollo.cluster': 'default', 'apollo.cache-dir': cache, ...settings };
    const flags = Object.entries(all).filter(([, value]) => value !== '').map(([name, value]) => `-D${name}=${value}`);
    const jar = programs?.['program.jar'] ?? '';
    clients.push(await startJava(jar, { args: [String(port)], readyUrl: `http://127.0.0.1:${port}/`, command: ['env', `JAVA_TOOL_OPTIONS=${flags.join(' ')}`] }));
    return async (path, query = {}) => (await fetch(`http://127.0.0.1:${port}${path}?${new URLSearchParams(query).toString()}`)).text();
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-apollo-java-'));
    const keys = join(folder, 'keys');
    await writeFile(keys, 'signed the-secret\n', { mode: 0o600 });
    apollo = await ConfigServer.start({ apolloKeysFile: keys });
    await apollo.publish('orders/application.properties', 'timeout=1\nname=orders\n', { format: 'properties' });
    await apollo.publish('orders/features.yml', 'on: true\n', { format: 'yaml' });
    await apollo.publish('base/common.db', 'url=shared\npool=5\n', { format: 'properties', settings: { visibility: 'public' } });
    await apollo.publish('orders/common.db', 'pool=9\n', { format: 'properties' });
    await apollo.publish('signed/application.properties', 'a=1\n', { format: 'properties' });
  });

  afterAll(async () => {
    for (const client of clients) await client.kill();
    await apollo?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('reads properties, files of other formats, and a public configuration below its own', { timeout: 240_000 }, async () => {
    const ask = await start({ 'app.id': 'orders' });
    expect([await ask('/value', { key: 'timeout' }), await ask('/source')]).toEqual(['1', 'REMOTE']);
    expect(await ask('/names', { namespace: 'common.db' })).toBe('pool\nurl');
    expect(await ask('/value', { namespace: 'common.db', key: 'pool' })).toBe('9');
    expect(await ask('/file', { namespace: 'features', format: 'yml' })).toBe('on: true\n');
    expect(await ask('/value', { key: 'missing' })).toBe('(none)');
    await apollo.publish('orders/application.properties', 'timeout=2\nadded=x\n', { format: 'properties' });
    await expect.poll(() => ask('/changes'), { timeout: 30_000, interval: 20 }).toBe('added: null -> x ADDED\nname: orders -> null DELETED\ntimeout: 1 -> 2 MODIFIED');
    expect(await ask('/value', { key: 'timeout' })).toBe('2');
  });

  it('has the release of the one instance that a rollout by count has chosen, by its address', { timeout: 240_000 }, async () => {
    const at = (node: string, address: string) =>
      apollo.ask('/v1/catalog/register', { method: 'PUT', body: JSON.stringify({ Node: node, Address: address, Service: { ID: 'rolled-1', Service: 'rolled' } }) });
    await Promise.all([at('one', '10.9.0.1'), at('two', '10.9.0.2')]);
    await apollo.publish('rolled/application.properties', 'v=old\n', { format: 'properties' });
    const [one, two] = [await start({ 'app.id': 'rolled', 'host.ip': '10.9.0.1' }), await start({ 'app.id': 'rolled', 'host.ip': '10.9.0.2' })];
    const both = async () => [await one('/value', { key: 'v' }), await two('/value', { key: 'v' })];
    expect(await both()).toEqual(['old', 'old']);
    await apollo.publish('rolled/application.properties', 'v=new\n', { format: 'properties', rollout: { name: 'next', priority: 0, plan: { stages: [{ count: 1, bakeMs: 3_600_000 }] } } });
    const [first] = stagedRollout(apollo.configurations.get({ namespace: 'default', app: 'rolled', cluster: 'default', name: 'application.properties' })?.row)?.staged.assigned ?? [];
    const expected = first === 'one/rolled-1' ? ['new', 'old'] : ['old', 'new'];
    await expect.poll(both, { timeout: 30_000, interval: 20 }).toEqual(expected);
  });

  it('signs its requests, and gets nothing with a wrong secret', { timeout: 240_000 }, async () => {
    const right = await start({ 'app.id': 'signed', 'apollo.access-key.secret': 'the-secret' });
    expect([await right('/value', { key: 'a' }), await right('/source')]).toEqual(['1', 'REMOTE']);
    await apollo.publish('signed/application.properties', 'a=2\n', { format: 'properties' });
    await expect.poll(() => right('/value', { key: 'a' }), { timeout: 30_000, interval: 20 }).toBe('2');
    const wrong = await start({ 'app.id': 'signed', 'apollo.access-key.secret': 'another' });
    expect([await wrong('/value', { key: 'a' }), await wrong('/source')]).toEqual(['(none)', 'NONE']);
  });
});
