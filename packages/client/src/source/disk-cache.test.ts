import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { DiskCache, type KeptService } from './disk-cache.ts';

let dir: string;
let warnings: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-cache-'));
  warnings = [];
});
afterEach(() => rm(dir, { recursive: true }));

const clock = manualClock();
const open = (folder = dir) =>
  DiskCache.open({ dir: folder, clock, uuid: randomUUID, onWarning: (message) => warnings.push(message) });
const list = (service: string, revision = 1): KeptService => ({
  service,
  registry: 'r',
  revision,
  savedAt: 1_700_000_000_000,
  instances: [
    { id: 'a', service, node: 'n', address: '10.0.0.1', port: 80, tags: ['t'], meta: { k: 'v' }, weight: 1, status: 'passing' },
  ],
});
const files = async () => (await readdir(dir)).map((name) => join(dir, name));

describe('the disk cache', () => {
  it('gives the next process what this one has saved', async () => {
    const cache = await open();
    cache.save(list('web'));
    cache.save(list('a/b#c "ü"'));
    expect(cache.find('web')).toEqual(list('web'));
    await cache.flush();
    const next = await open();
    expect([next.find('web'), next.find('a/b#c "ü"'), next.find('none')]).toEqual([list('web'), list('a/b#c "ü"'), undefined]);
    expect(warnings).toEqual([]);
  });

  it('writes a list that changes all the time once in a while, the newest', async () => {
    const cache = await open();
    for (let revision = 1; revision <= 100; revision++) cache.save(list('web', revision));
    expect(await files()).toEqual([]);
    clock.advance(1_000);
    await cache.flush();
    expect((await open()).find('web')?.revision).toBe(100);
    expect(await files()).toHaveLength(1);
  });

  it.each<[string, (content: Buffer) => Buffer | string]>([
    ['cut short', (content) => content.subarray(0, content.length / 2)],
    ['empty', () => ''],
    ['with one byte turned', (content) => Buffer.from(content).fill('9', content.indexOf('80'), content.indexOf('80') + 1)],
    ['of another format', (content) => content.toString().replace('"format":1', '"format":2')],
    ['with something else in it', () => 'hello\nworld\n'],
  ])('ignores a file %s, says so, and replaces it', async (_what, damage) => {
    const cache = await open();
    cache.save(list('web'));
    cache.save(list('db'));
    await cache.flush();
    const [path] = (await Promise.all((await files()).map(async (each) => ((await readFile(each, 'utf8')).includes('"web"') ? [each] : [])))).flat();
    await writeFile(path as string, damage(await readFile(path as string)));
    const next = await open();
    expect([next.find('web'), next.find('db')?.revision]).toEqual([undefined, 1]);
    expect(warnings).toHaveLength(1);
    next.save(list('web', 2));
    await next.flush();
    expect((await open()).find('web')?.revision).toBe(2);
  });

  it('leaves files of others alone, and removes what a process that died has begun', async () => {
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

  it('keeps a thousand services at most, those saved last', async () => {
    const cache = await open();
    for (let number = 0; number < 1_010; number++) cache.save(list(`s${number}`));
    await cache.flush();
    expect(await files()).toHaveLength(1_000);
    expect([cache.find('s0'), cache.find('s1009')?.revision]).toEqual([undefined, 1]);
  });

  it('goes on when it cannot write, and says so once', async () => {
    const cache = await open();
    await rm(dir, { recursive: true });
    await writeFile(dir, 'in its place');
    cache.save(list('web'));
    cache.save(list('db'));
    await cache.flush();
    expect(warnings).toHaveLength(1);
    expect(cache.find('web')?.revision).toBe(1);
    await rm(dir);
    cache.save(list('web', 2));
    await cache.flush();
    expect((await open()).find('web')?.revision).toBe(2);
  });

  it('passes over a directory in the place of a file, and what a sibling removes while it is read', async () => {
    const cache = await open();
    cache.save(list('web'));
    await cache.flush();
    await mkdir(join(dir, `${'c'.repeat(32)}.json`));
    // As a file that another process has renamed after this one listed it.
    await symlink(join(dir, 'gone'), join(dir, `${'d'.repeat(32)}.json.x.tmp`));
    const next = await open();
    expect(next.find('web')?.revision).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('it cannot be read: EISDIR')]);
  });

  it('makes its folder with all above it, and is empty where there can be none', async ({ skip }) => {
    await (await open(join(dir, 'a', 'b', 'c'))).flush();
    expect((await stat(join(dir, 'a', 'b', 'c'))).isDirectory()).toBe(true);
    skip(process.platform !== 'linux', 'only Linux has a /proc that takes no folders');
    // Node's recursive mkdir would try for ever.
    expect((await open('/proc/rollcall/cache')).find('web')).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('cache folder /proc/rollcall/cache cannot be used')]);
  });

  it('is empty where a file is in its place, and is there when that has gone', async () => {
    await writeFile(join(dir, 'file'), '');
    const cache = await open(join(dir, 'file', 'below'));
    expect(warnings).toHaveLength(1);
    await rm(join(dir, 'file'));
    cache.save(list('web'));
    await cache.flush();
    expect((await open(join(dir, 'file', 'below'))).find('web')?.revision).toBe(1);
  });
});
