/** Apollo's own Java client 2.4.0, unmodified: it reads, merges, is told of changes, and signs its requests. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigServer } from '../../../packages/server/src/config-server.case.ts';
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
  }, 60_000);

  afterAll(async () => {
    for (const client of clients) await client.kill();
    await apollo?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

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

  it('signs its requests, and gets nothing with a wrong secret', { timeout: 240_000 }, async () => {
    const right = await start({ 'app.id': 'signed', 'apollo.access-key.secret': 'the-secret' });
    expect([await right('/value', { key: 'a' }), await right('/source')]).toEqual(['1', 'REMOTE']);
    await apollo.publish('signed/application.properties', 'a=2\n', { format: 'properties' });
    await expect.poll(() => right('/value', { key: 'a' }), { timeout: 30_000, interval: 20 }).toBe('2');
    const wrong = await start({ 'app.id': 'signed', 'apollo.access-key.secret': 'another' });
    expect([await wrong('/value', { key: 'a' }), await wrong('/source')]).toEqual(['(none)', 'NONE']);
  });
});
