/** The history over restarts: it goes on after a clean end and after SIGKILL, closes the gap that a crash left, and begins anew when it cannot. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { embedded } from '../engine/embedded/embedded.ts';
import { findKv } from '../registry/kind/kv/find.ts';
import { createServer, type Server } from '../server.ts';

function store() {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-history-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, folder: join(dir, 'history') };
}

type Store = ReturnType<typeof store>;

/** Lines of the log, of the servers of one test. */
function started({ dir, folder }: Store, bytesMax = 1_000_000) {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  const server = createServer({ engine: embedded({ dir }), history: { folder, bytesMax }, nodeName: 'server-1', log });
  return server.then((running) => {
    onTestFinished(() => running.close());
    return { server: running, lines };
  });
}

async function put({ url }: Pick<Server, 'url'>, key: string, value: string): Promise<void> {
  const { status } = await fetch(`${url}/v1/kv/${key}`, { method: 'PUT', body: value });
  if (status !== 200) throw new Error(`${key}: ${status}`);
}

async function get<T>({ url }: Pick<Server, 'url'>, path: string): Promise<T> {
  const response = await fetch(`${url}/rollcall/v1/history${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
  return JSON.parse(text) as T;
}

const valueAt = async (server: Pick<Server, 'url'>, revision: number) => {
  const { items } = await get<{ items: readonly { value: string }[] }>(server, `/view?kind=key&name=a&at=r${revision}`);
  return Buffer.from(items[0]?.value ?? '', 'base64').toString();
};

const revisionOf = (server: Server) => findKv(server.registry.state, 'default', 'a')?.modified ?? 0;

/** Those of the history itself: looks at clients have a folder of their own. */
const filesIn = ({ folder }: Store) => readdirSync(folder, { withFileTypes: true }).flatMap((each) => (each.isFile() ? [each.name] : [])).toSorted();

describe('over a clean restart', () => {
  test('it goes on, and restarts leave no heap of small files', async () => {
    const at = store();
    const revisions: number[] = [];
    for (let run = 0; run < 4; run++) {
      const { server, lines } = await started(at);
      await put(server, 'a', `run ${run}`);
      revisions.push(revisionOf(server));
      for (const [index, revision] of revisions.entries()) expect(await valueAt(server, revision)).toBe(`run ${index}`);
      await server.close();
      expect(lines.filter((line) => line.includes('history'))).toEqual([]);
    }
    expect(filesIn(at).length).toBeLessThanOrEqual(2);
    expect(statSync(join(at.folder, filesIn(at)[0] as string)).mode & 0o777).toBe(0o600);
  });

  test('it goes on with two files when there is no room to make them one', async () => {
    const at = store();
    const revisions: number[] = [];
    for (let run = 0; run < 3; run++) {
      // Where the two files of the first runs would be written as one.
      if (run === 2) mkdirSync(join(at.folder, `${filesIn(at)[0]}.new`));
      const { server, lines } = await started(at);
      await put(server, 'a', `run ${run}`);
      revisions.push(revisionOf(server));
      for (const [index, revision] of revisions.entries()) expect(await valueAt(server, revision)).toBe(`run ${index}`);
      await server.close();
      expect(lines.filter((line) => line.includes('history'))).toEqual(run === 2 ? [expect.stringContaining('it goes on with both')] : []);
    }
    expect(filesIn(at)).toHaveLength(3);
  });

  test('it stays within its limit on the disk, and reads complete segments from there', async () => {
    const at = store();
    const { server } = await started(at, 64_000);
    for (let round = 0; round < 300; round++) await put(server, 'a', `${round} ${'x'.repeat(400)}`);
    const { sinceRevision } = await get<{ sinceRevision: number }>(server, '');
    const revision = sinceRevision + 10;
    expect(await valueAt(server, revision)).toMatch(/^\d+ x{400}$/);
    await server.close();
    const bytes = filesIn(at).reduce((sum, name) => sum + statSync(join(at.folder, name)).size, 0);
    expect([bytes <= 64_000, bytes > 32_000, filesIn(at).length > 4]).toEqual([true, true, true]);
    const next = await started(at, 64_000);
    expect(await valueAt(next.server, revision)).toMatch(/^\d+ x{400}$/);
    await next.server.close();
    const off = await started(at, 0);
    await off.server.close();
    expect(filesIn(at)).toEqual([]);
  });
});

describe('after a crash', () => {
  test('changes that were not written to it come from the log of the store', async () => {
    const at = store();
    const first = await started(at);
    await put(first.server, 'a', 'one');
    const one = revisionOf(first.server);
    await first.server.close();
    const kept = filesIn(at).map((name) => [name, readFileSync(join(at.folder, name))] as const);
    const second = await started(at);
    await put(second.server, 'a', 'two');
    await put(second.server, 'a', 'three');
    const three = revisionOf(second.server);
    await second.server.close();
    // As if the second run had died before it wrote anything.
    for (const name of filesIn(at)) rmSync(join(at.folder, name));
    for (const [name, bytes] of kept) writeFileSync(join(at.folder, name), bytes);
    const { server, lines } = await started(at);
    expect([await valueAt(server, one), await valueAt(server, three - 1), await valueAt(server, three)]).toEqual(['one', 'two', 'three']);
    expect(lines.filter((line) => line.includes('history'))).toEqual([]);
    await server.close();
  });

  test('it begins anew when the store does not know the missing changes', async () => {
    const at = store();
    const first = await started(at);
    await put(first.server, 'a', 'one');
    const one = revisionOf(first.server);
    await first.server.close();
    const [name = ''] = filesIn(at);
    const [number = '', revision = '', atMs = ''] = name.split('-');
    // A history of another store, which is ahead of this one.
    writeFileSync(join(at.folder, `${number}-${Number(revision) + 1_000}-${atMs}`), '');
    rmSync(join(at.folder, name));
    const { server, lines } = await started(at);
    await expect(valueAt(server, one - 1)).rejects.toThrow('the history does not reach back to revision');
    expect(lines).toContainEqual(expect.stringContaining('it begins anew'));
    await server.close();
  });

  test.each<[string, (path: string) => void, boolean]>([
    ['a write that was cut off', (path) => truncateSync(path, statSync(path).size - 5), true],
    ['another format', (path) => writeFileSync(path, 'x'.repeat(100)), false],
  ])('%s never stops the server', async (_what, damage, isWhole) => {
    const at = store();
    const first = await started(at);
    await put(first.server, 'a', 'one');
    const one = revisionOf(first.server);
    await put(first.server, 'a', 'two');
    await first.server.close();
    damage(join(at.folder, filesIn(at)[0] as string));
    const { server, lines } = await started(at);
    if (isWhole) expect(await valueAt(server, one)).toBe('one');
    else await expect(valueAt(server, one)).rejects.toThrow('the history does not reach back');
    expect(lines.some((line) => line.includes('begins anew'))).toBe(!isWhole);
    await put(server, 'a', 'three');
    const { revision } = await get<{ revision: number }>(server, '');
    expect(await valueAt(server, revision)).toBe('three');
    await server.close();
  });

  test('damage that is found later makes it begin anew', async () => {
    const at = store();
    const { server, lines } = await started(at, 64_000);
    for (let round = 0; round < 100; round++) await put(server, 'a', `${round} ${'x'.repeat(400)}`);
    const { sinceRevision } = await get<{ sinceRevision: number }>(server, '');
    const path = join(at.folder, filesIn(at)[0] as string);
    writeFileSync(path, 'x'.repeat(statSync(path).size));
    await expect(valueAt(server, sinceRevision + 3)).rejects.toThrow('the history was damaged, and begins anew');
    expect(lines).toContainEqual('the history is damaged, so it begins anew');
    await put(server, 'a', 'after');
    const { revision } = await get<{ revision: number }>(server, '');
    expect(await valueAt(server, revision)).toBe('after');
    await server.close();
  });
});

test('a new store in the directory of another one does not get its history', async () => {
  const at = store();
  const first = await started(at);
  for (const value of ['one', 'two', 'three']) await put(first.server, 'a', value);
  await first.server.close();
  for (const name of readdirSync(at.dir)) if (name.startsWith('rollcall')) rmSync(join(at.dir, name));
  const { server, lines } = await started(at);
  await expect(valueAt(server, revisionOf(first.server))).rejects.toThrow('is not written yet');
  expect(lines).toContainEqual(expect.stringContaining('it begins anew'));
});

/** Above `largeRows`, a restore replaces the whole state. */
test.each([10, 9_000])('a restore of %i keys is one change: the registry can be read as of before it', async (keys) => {
  const at = store();
  const { server } = await started(at, 8_000_000);
  const write = (value: string) => Promise.all(Array.from({ length: keys }, (_, key) => server.registry.submit({ kind: 'kv-put', namespace: 'default', key: key === 0 ? 'a' : `k/${key}`, value: Buffer.from(value), flags: 0n })));
  await write('one');
  const backup = await (await fetch(`${server.url}/rollcall/v1/backup`)).arrayBuffer();
  await write('two');
  const before = server.registry.state.revision;
  expect((await fetch(`${server.url}/rollcall/v1/restore`, { method: 'PUT', body: backup })).status).toBe(200);
  const after = server.registry.state.revision;
  expect([await valueAt(server, before), await valueAt(server, after - 1), await valueAt(server, after)]).toEqual(['two', 'two', 'one']);
  const { changes } = await get<{ changes: readonly object[] }>(server, `/diff?from=r${before}&to=r${after}&limit=10000`);
  expect(changes).toHaveLength(keys);
});

const program = `
import { createServer, embedded } from ${JSON.stringify(new URL('../index.ts', import.meta.url).pathname.replace('/src/index.ts', '/dist/index.js'))};
const [dir] = process.argv.slice(1);
const server = await createServer({ engine: embedded({ dir }), history: { folder: dir + '/history' }, nodeName: 'server-1' });
console.log(server.url);
for (let round = 0; ; round++) await fetch(server.url + '/v1/kv/a', { method: 'PUT', body: String(round) }).then((response) => response.text());
`;

test('SIGKILL loses no change of it: every acknowledged value can be read as of its revision', async () => {
  const at = store();
  for (let run = 0; run < 3; run++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, at.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const url = line.toString().trim();
      // In the middle of its writes, at another moment each time.
      for (let value = ''; Number(value) < 40 + run * 7 || value === ''; ) value = await (await fetch(`${url}/v1/kv/a?raw`)).text();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  const { server, lines } = await started(at);
  expect(lines.filter((each) => each.includes('history'))).toEqual([]);
  const newest = revisionOf(server);
  const { sinceRevision } = await get<{ sinceRevision: number }>(server, '');
  const values: number[] = [];
  for (let revision = Math.max(sinceRevision, newest - 40); revision <= newest; revision++) values.push(Number(await valueAt(server, revision)));
  // Each revision of the last run wrote the next number.
  for (let at_ = 1; at_ < values.length; at_++) expect(values[at_]! - values[at_ - 1]!).toBe(1);
  await server.close();
});
