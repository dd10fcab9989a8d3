import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { DiskCache } from './disk-cache.ts';
import { listToText, type KeptList } from './kept-list.ts';

let dir: string;
let warnings: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-cache-'));
  warnings = [];
});
afterEach(() => rm(dir, { recursive: true }));

const clock = manualClock();
const open = (folder = dir, servers: readonly string[] = ['http://a:8500']) =>
  DiskCache.open({ dir: folder, servers, clock, uuid: randomUUID, onWarning: (message) => warnings.push(message) });
const list = (service: string, revision = 1, more: Partial<KeptList> = {}): KeptList => ({
  service,
  namespace: 'default',
  registry: 'r',
  servers: ['http://a:8500'],
  revision,
  savedAt: 1_700_000_000_000,
  instances: [
    { id: 'a', service, node: 'n', address: '10.0.0.1', port: 80, tags: ['t'], meta: { k: 'v' }, weight: 1, status: 'passing' },
  ],
  ...more,
});
const find = (cache: DiskCache, service: string, namespace = 'default') => cache.find(namespace, service);
const files = async () => (await readdir(dir)).map((name) => join(dir, name));

describe('the disk cache', () => {
  it('gives the next process the lists that this one saved', async () => {
    const cache = await open();
    cache.save(list('web'));
    cache.save(list('a/b#c "ü"'));
    expect(find(cache, 'web')).toEqual(list('web'));
    await cache.flush();
    const next = await open();
    expect([find(next, 'web'), find(next, 'a/b#c "ü"'), find(next, 'none')]).toEqual([list('web'), list('a/b#c "ü"'), undefined]);
    expect(warnings).toEqual([]);
  });

  it('writes the newest form of a list that changes all the time, at intervals', async () => {
    const cache = await open();
    for (let revision = 1; revision <= 100; revision++) cache.save(list('web', revision));
    expect(await files()).toEqual([]);
    clock.advance(1_000);
    await cache.flush();
    expect(find(await open(), 'web')?.revision).toBe(100);
    expect(await files()).toHaveLength(1);
  });

  it.each<[string, (content: Buffer) => Buffer | string]>([
    ['cut short', (content) => content.subarray(0, content.length / 2)],
    ['empty', () => ''],
    ['with one byte turned', (content) => Buffer.from(content).fill('9', content.indexOf('80'), content.indexOf('80') + 1)],
    ['of another format', (content) => content.toString().replace('"format":2', '"format":3')],
    ['with something else in it', () => 'hello\nworld\n'],
  ])('ignores a file %s, warns, and replaces it', async (_what, damage) => {
    const cache = await open();
    cache.save(list('web'));
    cache.save(list('db'));
    await cache.flush();
    const [path] = (await Promise.all((await files()).map(async (each) => ((await readFile(each, 'utf8')).includes('"web"') ? [each] : [])))).flat();
    await writeFile(path as string, damage(await readFile(path as string)));
    const next = await open();
    expect([find(next, 'web'), find(next, 'db')?.revision]).toEqual([undefined, 1]);
    expect(warnings).toHaveLength(1);
    next.save(list('web', 2));
    await next.flush();
    expect(find(await open(), 'web')?.revision).toBe(2);
  });

  it('keeps files of other programs, and removes temporary files of a process that died', async () => {
    await writeFile(join(dir, 'notes.txt'), 'mine');
    const [begun, begunNow] = [join(dir, `${'a'.repeat(32)}.json.x.tmp`), join(dir, `${'b'.repeat(32)}.json.y.tmp`)];
    await writeFile(begun, 'half');
    await writeFile(begunNow, 'half');
    const longAgo = new Date(clock.now() - 3_600_000);
    await utimes(begun, longAgo, longAgo);
    const now = new Date(clock.now());
    await utimes(begunNow, now, now);
    await open();
    expect(new Set(await files())).toEqual(new Set([join(dir, 'notes.txt'), begunNow]));
  });

  it('keeps at most two thousand lists and routes, those saved last', async () => {
    const cache = await open();
    for (let number = 0; number < 2_010; number++) cache.save(list(`s${number}`));
    await cache.flush();
    expect(await files()).toHaveLength(2_000);
    expect([find(cache, 's0'), find(cache, 's2009')?.revision]).toEqual([undefined, 1]);
  });

  it('continues when it cannot write, and warns once', async () => {
    const cache = await open();
    await rm(dir, { recursive: true });
    await writeFile(dir, 'in its place');
    cache.save(list('web'));
    cache.save(list('db'));
    await cache.flush();
    expect(warnings).toHaveLength(1);
    expect(find(cache, 'web')?.revision).toBe(1);
    await rm(dir);
    cache.save(list('web', 2));
    await cache.flush();
    expect(find(await open(), 'web')?.revision).toBe(2);
  });

  it('skips a directory that has the name of a file, and files that another process removes meanwhile', async () => {
    const cache = await open();
    cache.save(list('web'));
    await cache.flush();
    await mkdir(join(dir, `${'c'.repeat(32)}.json`));
    // Behaves as if another process had renamed the file after this one listed it.
    await symlink(join(dir, 'gone'), join(dir, `${'d'.repeat(32)}.json.x.tmp`));
    const next = await open();
    expect(find(next, 'web')?.revision).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('it cannot be read: EISDIR')]);
  });

  it('creates its folder with its parents, and is empty where no folder can be created', async ({ skip }) => {
    await (await open(join(dir, 'a', 'b', 'c'))).flush();
    expect((await stat(join(dir, 'a', 'b', 'c'))).isDirectory()).toBe(true);
    skip(process.platform !== 'linux', 'only Linux has a /proc that takes no folders');
    // Node's recursive mkdir would retry without end.
    expect(find(await open('/proc/rollcall/cache'), 'web')).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('cache folder /proc/rollcall/cache cannot be used')]);
  });

  it('is empty while a file has the folder’s name, and works once that file is gone', async () => {
    await writeFile(join(dir, 'file'), '');
    const cache = await open(join(dir, 'file', 'below'));
    expect(warnings).toHaveLength(1);
    await rm(join(dir, 'file'));
    cache.save(list('web'));
    await cache.flush();
    expect(find(await open(join(dir, 'file', 'below')), 'web')?.revision).toBe(1);
  });

  it('keeps lists of the same service apart by namespace', async () => {
    const cache = await open();
    cache.save(list('web', 1));
    cache.save(list('web', 2, { namespace: 'team-a' }));
    await cache.flush();
    const next = await open();
    expect([find(next, 'web')?.revision, find(next, 'web', 'team-a')?.revision, find(next, 'web', 'team-b')]).toEqual([1, 2, undefined]);
  });

  it('may hold the lists of two registries: each client finds the list of its servers', async () => {
    const [ofA, ofB] = [await open(), await open(dir, ['http://b:8500', 'http://c:8500'])];
    ofA.save(list('web', 7, { registry: 'registry-a' }));
    ofB.save(list('web', 3, { registry: 'registry-b', savedAt: 1_800_000_000_000 }));
    await ofA.flush();
    await ofB.flush();
    expect(find(await open(), 'web')?.registry).toBe('registry-a');
    expect(find(await open(dir, ['http://c:8500']), 'web')?.registry).toBe('registry-b');
    expect(find(await open(dir, ['http://d:8500']), 'web')).toBeUndefined();
  });

  it('reads files of clients without namespaces as lists of default, and replaces them', async () => {
    // The file that a client before format 2 wrote, name included.
    const body =
      '{"service":"web","registry":"r","revision":5,"savedAt":1700000000000,"instances":[{"id":"a","service":"web","node":"n",' +
      '"address":"10.0.0.1","port":80,"tags":["t"],"meta":{"k":"v"},"weight":1,"status":"passing"}]}';
    const checksum = createHash('sha256').update(body).digest('hex');
    const old = join(dir, `${createHash('sha256').update('web').digest('hex').slice(0, 32)}.json`);
    await writeFile(old, `{"format":1,"sha256":"${checksum}"}\n${body}\n`);
    const cache = await open();
    expect(warnings).toEqual([]);
    expect(find(cache, 'web')).toEqual({ ...list('web', 5), servers: [] });
    cache.save(list('web', 6));
    await cache.flush();
    expect(await files()).not.toContain(old);
    expect(await files()).toHaveLength(1);
    expect(find(await open(), 'web')?.revision).toBe(6);
  });

  it.each([
    ['a namespace that no registry can have', { namespace: 'a b' }],
    ['servers that are no list', { servers: 'http://a:8500' as never }],
    ['no time', { savedAt: 'now' as never }],
  ])('ignores a list with %s', async (_what, wrong) => {
    await writeFile(join(dir, `${'e'.repeat(32)}.json`), listToText(list('web', 1, wrong)));
    expect(find(await open(), 'web')).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});
