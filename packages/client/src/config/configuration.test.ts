/** Configurations in a client, over a real registry. */

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type ServerOptions } from '@rollcall/server';
import { parse as parseYaml } from 'yaml';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type ConfigSnapshot, type Configuration, type ConnectOptions, type Rollcall, type StandardSchema } from '../index.ts';
import { publish, sharedStore } from './config-server.case.ts';

const closing: (() => unknown)[] = [];
let server: Server;

beforeEach(async () => {
  server = await start();
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  const started = await createServer({ nodeName: 'here', ...options });
  closing.push(() => started.close());
  return started;
}

async function client(options: ConnectOptions = {}): Promise<Rollcall> {
  const rollcall = await connect({ servers: [server.url], onEvent: () => {}, ...options });
  closing.push(() => rollcall.close());
  return rollcall;
}

/** The first snapshot that fits, of those that come. */
async function becomes<T>(configuration: Configuration<T>, fits: (snapshot: ConfigSnapshot<T>) => boolean): Promise<ConfigSnapshot<T>> {
  for await (const snapshot of configuration.watch()) if (fits(snapshot)) return snapshot;
  throw new Error('the configuration was closed');
}

interface Settings {
  readonly timeoutMs: number;
  readonly name: string;
}

/** A validator as any library with Standard Schema gives one. */
const settings: StandardSchema<unknown, Settings> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { timeoutMs, name } = value as Record<string, unknown>;
      const number = Number(timeoutMs);
      if (!Number.isFinite(number)) return { issues: [{ message: 'expected a number', path: ['timeoutMs'] }] };
      return { value: { timeoutMs: number, name: String(name) } };
    },
  },
};

describe('reading', () => {
  it('gives properties by key, with the release and the layer of each, after whenReady', async () => {
    await publish(server, 'base/common', 'log=info\ntimeout=1', { format: 'properties', settings: { visibility: 'public' } });
    await publish(server, 'shop/main', 'timeout=5', { format: 'properties', settings: { parents: [{ app: 'base', name: 'common' }] } });
    const config = (await client()).config('shop/main');
    expect(() => config.get('timeout')).toThrow('configuration shop/main has no content yet; await whenReady() first');
    const snapshot = await config.whenReady();
    expect(snapshot).toMatchObject({ value: { timeout: '5', log: 'info' }, release: 1, format: 'properties', stale: false, ageMs: 0, origin: 'registry' });
    expect([config.get('timeout'), config.get('log'), config.get('nothing'), config.get('__proto__')]).toEqual(['5', 'info', undefined, undefined]);
    expect([config.originOf('timeout')?.app, config.originOf('log')?.app, config.release, config.stale]).toEqual(['shop', 'base', 1, false]);
  });

  it('gives values of JSON by path', async () => {
    await publish(server, 'shop/main', '{"db":{"host":"a","ports":[1,2]},"db.host":"own","__proto__":{"x":1}}', { format: 'json' });
    const config = (await client()).config('shop/main');
    await config.whenReady();
    expect([config.get('db.host'), config.get('db.ports'), config.get('db'), config.get('toString')]).toEqual(['own', [1, 2], { host: 'a', ports: [1, 2] }, undefined]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('gives YAML as a text, or as what the program’s parser makes of it', async () => {
    await publish(server, 'shop/a', 'x: 1', { format: 'yaml' });
    await publish(server, 'shop/b', 'x: 1', { format: 'yaml' });
    const rollcall = await client();
    const text = rollcall.config('shop/a');
    expect((await text.whenReady()).value).toBe('x: 1');
    expect(() => text.get('x')).toThrow("configuration shop/a is YAML, and the client has no parser for it; give one with the first call, such as config('shop/a', { parse: (text) => YAML.parse(text) })");
    const parse = (content: string, format: string) => ({ [format]: content });
    expect((await rollcall.config('shop/b', { parse }).whenReady()).value).toEqual({ yaml: 'x: 1' });
    expect(rollcall.config('shop/b').get('yaml')).toBe('x: 1');
    await publish(server, 'shop/c', 'a:\n  b: 1', { format: 'yaml' });
    const parsed = rollcall.config('shop/c', { parse: (text) => parseYaml(text) as unknown });
    await parsed.whenReady();
    expect([parsed.get('a.b'), parsed.get('a')]).toEqual([1, { b: 1 }]);
  });

  it('returns the same object for the same configuration, and refuses options in a later call', async () => {
    const rollcall = await client();
    const config = rollcall.config('shop/main', { labels: { track: 'a' } });
    expect(rollcall.config('shop/main')).toBe(config);
    expect(rollcall.config('shop/main', { cluster: 'eu' })).not.toBe(config);
    expect(() => rollcall.config('shop/main', { labels: {} })).toThrow('configuration shop/main is in use already');
    expect(() => rollcall.config('main')).toThrow('the configuration is "main"; name it APP/NAME');
    expect(() => rollcall.config('shop/main', { shema: settings } as never)).toThrow('did you mean schema?');
    config.close();
    expect(rollcall.config('shop/main')).not.toBe(config);
  });

  it('rejects whenReady when there is nothing for this client, and is ready once there is', async () => {
    const errors: string[] = [];
    const config = (await client()).config('shop/main', { onError: ({ code }) => errors.push(code) });
    await expect(config.whenReady()).rejects.toMatchObject({ code: 'not_found' });
    await publish(server, 'shop/main', 'a');
    expect((await becomes(config, () => true)).value).toBe('a');
    expect([errors, config.error]).toEqual([['not_found'], undefined]);
  });
});

describe('changes', () => {
  it('come to watchers, the newest only for a slow one', async () => {
    await publish(server, 'shop/main', '1');
    const config = (await client()).config('shop/main');
    const seen: string[] = [];
    for await (const { content } of config.watch()) {
      seen.push(content);
      if (content === '9') break;
      if (content === '1') {
        for (let n = 2; n <= 9; n++) await publish(server, 'shop/main', String(n));
        await becomes(config, (snapshot) => snapshot.content === '9');
      }
    }
    expect(seen).toEqual(['1', '9']);
  });

  it('that the program cannot use leave the last value, which is stale; the next good one is used', async () => {
    await publish(server, 'shop/main', '{"timeoutMs":"5","name":"a"}', { format: 'json' });
    const errors: string[] = [];
    const config = (await client()).config('shop/main', { schema: settings, onError: ({ message }) => errors.push(message) });
    const { value } = await config.whenReady();
    expect(value.timeoutMs + config.get('timeoutMs')).toBe(10);
    await publish(server, 'shop/main', '{"timeoutMs":"x"}', { format: 'json' });
    const bad = await becomes(config, ({ stale }) => stale);
    expect([bad.release, bad.value.timeoutMs]).toEqual([1, 5]);
    expect(errors).toEqual(['shop/main, release 2, does not fit the schema: timeoutMs: expected a number']);
    await publish(server, 'shop/main', '{"timeoutMs":', { format: 'json' });
    while (errors.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(errors[1]).toContain('shop/main, release 3, is not valid json');
    await publish(server, 'shop/main', '{"timeoutMs":7,"name":"b"}', { format: 'json' });
    expect(await becomes(config, ({ stale }) => !stale)).toMatchObject({ release: 4, value: { timeoutMs: 7, name: 'b' } });
  });

  it('come from the newest content, also when a validator takes longer for an older one', async () => {
    const open: ((value: { value: string }) => void)[] = [];
    const schema: StandardSchema<unknown, string> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => (value === 'now' ? { value: 'now' } : new Promise((resolve) => open.push(() => resolve({ value: String(value) })))) },
    };
    await publish(server, 'shop/main', 'slow');
    const config = (await client()).config('shop/main', { schema });
    while (open.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await publish(server, 'shop/main', 'now');
    expect((await config.whenReady()).value).toBe('now');
    open[0]?.({ value: 'slow' });
    await new Promise((resolve) => setImmediate(resolve));
    expect([config.snapshot()?.value, config.release]).toEqual(['now', 2]);
  });

  it('of a rollout come to clients by label, and by the instance that they have registered', async () => {
    await publish(server, 'shop/main', 'old');
    const rollcall = await client();
    const config = rollcall.config('shop/main');
    await publish(server, 'shop/main', 'by label', { rollout: { name: 'labels', labels: ['canary'] } });
    await publish(server, 'shop/main', 'by instance', { rollout: { name: 'instances', instances: ['shop-1'] } });
    const labelled = (await client()).config('shop/main', { labels: { track: 'canary' } });
    expect(await labelled.whenReady()).toMatchObject({ content: 'by label', rollout: 'labels' });
    expect(await config.whenReady()).toMatchObject({ content: 'old' });
    await rollcall.register({ service: 'shop', id: 'shop-1', port: 1 });
    expect(await becomes(config, ({ content }) => content !== 'old')).toMatchObject({ content: 'by instance', rollout: 'instances' });
  });
});

describe('reports', () => {
  it('tell the registry which release the program uses, and at once why it cannot use another', async () => {
    await publish(server, 'shop/main', '{"timeoutMs":5}', { format: 'json' });
    const rollcall = await client({ name: 'shop-api' });
    await rollcall.register({ service: 'shop', id: 'shop-1', port: 1 });
    const config = rollcall.config('shop/main', { schema: settings, onError: () => {} });
    await config.whenReady();
    const reader = async () => {
      const answer = await fetch(`${server.url}/rollcall/v1/config/who?app=shop&name=main`);
      return ((await answer.json()) as { readonly readers: readonly { readonly reader?: { readonly report?: { readonly release: number; readonly applied: boolean } } }[] }).readers[0];
    };
    await vi.waitUntil(async () => (await reader())?.reader?.report?.applied, { timeout: 20_000 });
    expect(await reader()).toMatchObject({ instance: expect.stringMatching(/\/shop-1$/) as string, release: 1, applied: 1, reader: { client: 'shop-api', report: { release: 1, applied: true } } });
    await publish(server, 'shop/main', '{"timeoutMs":"x"}', { format: 'json' });
    await vi.waitUntil(async () => (await reader())?.reader?.report?.release === 2, { timeout: 20_000 });
    expect(await reader()).toMatchObject({ release: 2, error: expect.stringContaining('expected a number') as string, reader: { report: { release: 2, applied: false } } });
  });
});

describe('a registry that cannot be reached', () => {
  it('leaves the last value, stale; another server continues from there, and nothing goes back', async () => {
    const store = sharedStore();
    const [one, other] = [await start({ engine: store }), await start({ engine: store })];
    await publish(one, 'shop/main', '1');
    const rollcall = await client({ servers: [one.url, other.url] });
    const config = rollcall.config('shop/main');
    await config.whenReady();
    const seen: [string, number, boolean][] = [];
    const watching = (async () => {
      for await (const { content, revision, stale } of config.watch()) {
        seen.push([content, revision, stale]);
        if (content === '2' && !stale) return;
      }
    })();
    const [first, second] = rollcall.server === one.url ? [one, other] : [other, one];
    await first.close();
    await becomes(config, ({ stale }) => stale);
    expect(config.snapshot()?.content).toBe('1');
    await publish(second, 'shop/main', '2');
    await watching;
    const revisions = seen.map(([, revision]) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(config.stale).toBe(false);
  });
});

describe('the disk cache', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rollcall-config-'));
    closing.push(() => rm(dir, { recursive: true }));
    await publish(server, 'shop/main', 'password=1', { format: 'properties' });
    const rollcall = await connect({ servers: [server.url], cacheDir: dir });
    await rollcall.config('shop/main').whenReady();
    await rollcall.close();
  });

  const kept = async () => (await readdir(dir)).filter((name) => name.startsWith('config-'));

  it('starts a program without a registry; the content is stale until one confirms it', async () => {
    const { url } = server;
    const { port } = new URL(url);
    await server.close();
    const config = (await client({ servers: [url], cacheDir: dir })).config('shop/main');
    expect(await config.whenReady()).toMatchObject({ value: { password: '1' }, release: 1, stale: true, origin: 'disk cache' });
    expect(config.get('password')).toBe('1');
    expect(config.snapshot()?.ageMs).toBeGreaterThan(0);
    // The registry that comes back has lost its data: it has nothing for this client, and the last value stays.
    server = await start({ listen: [`127.0.0.1:${port}`] } as ServerOptions);
  });

  it('is readable by its owner only', async () => {
    const [file = ''] = await kept();
    expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
  });

  it('is confirmed without being sent again', async () => {
    const config = (await client({ cacheDir: dir })).config('shop/main');
    expect(await becomes(config, ({ stale }) => !stale)).toMatchObject({ release: 1, origin: 'registry' });
  });

  it.each<[string, (text: string) => string, string]>([
    ['cut', (text) => text.slice(0, -20), 'its checksum does not match'],
    ['changed', (text) => text.replace('password', 'passw0rd'), 'its checksum does not match'],
    ['of a newer format', (text) => text.replace('"format":1', '"format":2'), 'its format is 2, not 1'],
    ['no JSON', () => 'x\ny\n', 'it is not JSON'],
    ['empty', () => '', 'it is not JSON'],
  ])('is ignored, with a warning, when its file is %s', async (_what, damage, reason) => {
    const { url } = server;
    await server.close();
    const [file = ''] = await kept();
    await writeFile(join(dir, file), damage(await readFile(join(dir, file), 'utf8')));
    const warnings: string[] = [];
    const rollcall = await client({ servers: [url], cacheDir: dir, onEvent: (event) => event.kind === 'warning' && warnings.push(event.message) });
    await expect(rollcall.config('shop/main').whenReady({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'unavailable' });
    // The file may be read later than that, on a busy machine.
    await vi.waitFor(() => expect(warnings).toContain(`the cached configuration shop/main is ignored: ${reason}`), { interval: 5, timeout: 20_000 });
  });
});
