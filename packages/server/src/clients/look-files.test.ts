/** Who was connected, over restarts: after a clean end and after SIGKILL, with files that were cut off, within the limit on the disk. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ClientList, ListedClient, Topology } from '@rollcall/protocol';
import { embedded } from '../engine/embedded/embedded.ts';
import { SocketClient } from '../frontend/stream/socket-client.case.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { createServer } from '../server.ts';
import type { ConnectedClient } from './client.ts';
import { ClientHistory } from './client-history.ts';
import { LookFiles } from './look-files.ts';
import { lineOf, LookReader } from './look-lines.ts';
import { OwnClients } from './own-clients.ts';
import type { ClientsQuestion } from './question.ts';
import { Spans } from './spans.ts';

const anything: ClientsQuestion = { namespace: 'default', limit: 1_000 };

let folder: string;
let clock: ManualClock;
let connected: ConnectedClient[];
let warnings: string[];
/** The files of the present process. */
let written: LookFiles;

beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-looks-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  folder = join(dir, 'clients');
  clock = manualClock();
  connected = [];
  warnings = [];
});

const files = () => readdirSync(folder).toSorted();
const bytes = () => files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/** A process begins. */
function begin({ charactersMax = 1_000_000, storeId = 'store-1' } = {}): ClientHistory {
  const own = new OwnClients({ nodeName: 'n1', memberId: 'm1', describe: () => undefined });
  own.add(() => connected);
  const log = pino({}, { write: (line: string) => void warnings.push((JSON.parse(line) as { msg: string }).msg) });
  written = new LookFiles({ folder, storeId, bytesMax: 2 * charactersMax, log });
  const history = new ClientHistory({ own, nodeName: 'n1', clock, charactersMax, files: written });
  history.start();
  onTestFinished(() => history.close());
  return history;
}

/** Time passes, and the history has looked: it does so when the present is asked for. */
async function look(history: ClientHistory, ms = 10_000): Promise<number> {
  clock.advance(ms);
  await history.find(anything, clock.now());
  return clock.now();
}

const client = (name: string, more: Partial<ConnectedClient> = {}): ConnectedClient => ({ key: { name }, client: name, namespace: 'default', via: 'stream', ...more });
const names = async (history: ClientHistory, atMs: number) => (await history.find(anything, atMs)).lines.map((line) => (JSON.parse(line) as ListedClient).client).toSorted();

describe('the next process', () => {
  test('knows clients and edges of before, and none of the time between', async () => {
    const first = begin();
    connected = [client('shop', { picks: () => [{ namespace: 'default', service: 'orders', picksPerSecond: 12, failuresPerSecond: 0 }] }), client('bills')];
    const both = await look(first, 60_000);
    connected = connected.slice(0, 1);
    const one = await look(first);
    clock.advance(4_000);
    await first.close();
    const closed = clock.now();
    connected = [];
    clock.advance(60_000);
    const began = clock.now();
    const second = begin();
    expect([await names(second, both), await names(second, one), await names(second, closed), await names(second, began)]).toEqual([['bills', 'shop'], ['shop'], ['shop'], []]);
    expect((await second.topology('default', both)).lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ from: 'shop', to: 'orders', picksPerSecond: 12 }]);
    expect(await second.find(anything, closed + 1)).toMatchObject({ knew: 0, unknown: [{ node: 'n1', sinceMs: began }] });
    expect((await second.topology('default', began - 1)).unknown).toEqual([{ node: 'n1', sinceMs: began }]);
    expect(await second.find(anything, both - 60_001)).toMatchObject({ knew: 0, unknown: [{ node: 'n1', sinceMs: both - 60_000 }] });
    expect(warnings).toEqual([]);
  });

  test('loses the look that was cut off, and nothing before it', async () => {
    const first = begin();
    connected = [client('shop')];
    const one = await look(first);
    await first.close();
    const [name = ''] = files();
    const whole = readFileSync(join(folder, name));
    appendFileSync(join(folder, name), lineOf.set('clients', { key: 'm1.9', value: '{"client":"never"}', fromMs: 0 }));
    appendFileSync(join(folder, name), '0123');
    clock.advance(10_000);
    const second = begin();
    expect([await names(second, one), (await second.find(anything, clock.now() - 1)).knew]).toEqual([['shop'], 0]);
    connected = [client('bills')];
    const two = await look(second);
    await second.close();
    clock.advance(1_000);
    expect(readFileSync(join(folder, name)).subarray(0, whole.length)).toEqual(whole);
    const third = begin();
    expect([await names(third, one), await names(third, two)]).toEqual([['shop'], ['bills']]);
    expect(warnings).toEqual([]);
  });

  test.each<[string, (path: string) => void]>([
    ['are empty', (path) => truncateSync(path, 0)],
    ['are of another format', (path) => writeFileSync(path, 'x\ny\n'.repeat(50))],
    ['have zeros in place of their lines', (path) => writeFileSync(path, Buffer.alloc(500))],
  ])('begins anew when the files %s', async (_what, damage) => {
    const first = begin();
    connected = [client('shop')];
    const one = await look(first);
    await first.close();
    damage(join(folder, files()[0] ?? ''));
    clock.advance(1_000);
    const second = begin();
    expect((await second.find(anything, one)).unknown).toEqual([{ node: 'n1', sinceMs: clock.now() }]);
    const two = await look(second);
    await second.close();
    clock.advance(1_000);
    expect(await names(begin(), two)).toEqual(['shop']);
  });

  test('of another store does not get them, and --history 0 removes them, those of workers, too', async () => {
    const first = begin();
    connected = [client('shop')];
    const one = await look(first);
    await first.close();
    clock.advance(1_000);
    const other = begin({ storeId: 'store-2' });
    expect((await other.find(anything, one)).knew).toBe(0);
    await other.close();
    const off = begin({ charactersMax: 0 });
    await off.close();
    expect(existsSync(folder)).toBe(false);
  });

  test('keeps what it sees in memory when the folder cannot be written', async () => {
    writeFileSync(folder, 'a file in place of the folder');
    const history = begin();
    connected = [client('shop')];
    const one = await look(history);
    expect(await names(history, one)).toEqual(['shop']);
    await history.close();
    expect(warnings).toEqual(['who was connected cannot be written; it is kept in memory until the next start']);
  });
});

test('the files stay within their limit, and have all that memory has or the newer half of it', async () => {
  const charactersMax = 8_000;
  const history = begin({ charactersMax });
  const steady = client('steady');
  const times: number[] = [];
  for (let at = 0; at < 400; at++) {
    connected = [steady, client(`client-${at}`)];
    times.push(await look(history));
    await written.written;
  }
  await history.close();
  expect(warnings).toEqual([]);
  expect([files().length, bytes() <= 4 * charactersMax, bytes() > charactersMax]).toEqual([2, true, true]);
  clock.advance(1_000);
  const next = begin({ charactersMax });
  const { unknown: [{ sinceMs } = { sinceMs: 0 }] } = await next.find(anything, 1);
  const known = times.filter((atMs) => atMs >= sinceMs);
  expect(known.length).toBeGreaterThan(10);
  for (const atMs of known) expect(await names(next, atMs)).toEqual([`client-${times.indexOf(atMs)}`, 'steady']);
});

test('what was read is what was written, wherever the file was cut off', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b\t"', 'ü'), value: fc.option(fc.constantFrom('"1"', '{"ä":2}'), { nil: undefined }), isLook: fc.boolean(), isWhole: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, cut) => {
      const model = new Spans(1, 1e9);
      let nowMs = 1;
      let lines = [lineOf.store('s'), lineOf.begin(1)];
      let length = 0;
      const ends: { readonly length: number; readonly atMs: number }[] = [];
      const end = (atMs: number) => {
        length += Buffer.byteLength(lines.join(''));
        text += lines.join('');
        lines = [];
        ends.push({ length, atMs });
      };
      let text = '';
      end(1);
      for (const { key, value, isLook, isWhole } of steps) {
        if (value === undefined) {
          model.end(key, nowMs + 1);
          lines.push(lineOf.end('clients', key));
        } else if (model.set(key, value, nowMs + 1)) lines.push(lineOf.set('clients', { key, value, fromMs: nowMs + 1 }));
        if (!isLook) continue;
        nowMs++;
        lines = isWhole ? [...[...model.lasting()].map((lasting) => lineOf.set('clients', lasting)), lineOf.whole(nowMs)] : [...lines, lineOf.look(nowMs)];
        end(nowMs);
      }
      const bytesOfFile = Buffer.from(text).subarray(0, cut % (length + 1));
      const last = ends.findLast((each) => each.length <= bytesOfFile.length);
      const reader = new LookReader('s', 1e9);
      const reading = reader.read(bytesOfFile);
      let result = reading.next();
      while (result.done !== true) result = reading.next();
      expect(result.value).toBe(last?.length);
      expect(reader.found?.lastMs).toBe(last?.atMs);
      for (let atMs = 1; atMs <= (last?.atMs ?? 0); atMs++) {
        const at = (spans: Spans) => [...spans.at(atMs)].filter((value) => value !== undefined).toSorted();
        expect(at((reader.found as NonNullable<typeof reader.found>).known.clients)).toEqual(at(model));
      }
    }),
  );
});

const program = `
import { createServer, embedded } from ${JSON.stringify(new URL('../index.ts', import.meta.url).pathname.replace('/src/index.ts', '/dist/index.js'))};
const [dir] = process.argv.slice(1);
const server = await createServer({ engine: embedded({ dir }), history: { folder: dir + '/history' }, nodeName: 'server-1' });
console.log(server.url);
`;

test('after SIGKILL of the server, clients and topology of before can be asked for', async () => {
  const dir = join(folder, '..', 'store');
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  const socket = await SocketClient.greeted(url, { client: 'shop' });
  onTestFinished(() => socket.webSocket.terminate());
  await socket.ask({ type: 'watch', views: [{ kind: 'service', name: 'orders' }] });
  const get = async <T>(from: string, path: string, atMs: number): Promise<T> => {
    const response = await fetch(`${from}/rollcall/v1/${path}?at=${atMs}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return JSON.parse(text) as T;
  };
  const clients = async (from: string, atMs: number) => (await get<ClientList>(from, 'clients', atMs)).clients.map((each) => each.client);
  // A question about the present makes a look, once the one before is a second old.
  await expect.poll(() => clients(url, Date.now()), { timeout: 30_000 }).toEqual(['shop']);
  const looks = join(dir, 'history', 'clients');
  await expect.poll(() => readdirSync(looks).some((name) => readFileSync(join(looks, name), 'utf8').includes('"shop"')), { timeout: 30_000 }).toBe(true);
  const seenMs = Date.now();
  await get(url, 'clients', seenMs).catch(() => {});
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await createServer({ engine: embedded({ dir }), history: { folder: join(dir, 'history') }, nodeName: 'server-1' });
  onTestFinished(() => server.close());
  const since = await lastLookIn(looks);
  expect(await clients(server.url, since)).toEqual(['shop']);
  expect((await get<Topology>(server.url, 'topology', since)).edges).toMatchObject([{ from: 'shop', to: 'orders', watches: 1 }]);
  await expect(clients(server.url, since + 1)).rejects.toThrow(/no node knows which clients it had at .*: server-1 since /);
});

/** The time of the last look of the process before the present one. */
async function lastLookIn(looks: string): Promise<number> {
  const lines = readdirSync(looks).toSorted().flatMap((name) => readFileSync(join(looks, name), 'utf8').split('\n'));
  const began = lines.findLastIndex((line) => line.includes('\tbegin\t'));
  const [, , atMs] = (lines.slice(0, began).findLast((line) => line.includes('\tlook\t')) ?? '').split('\t');
  return Number(atMs);
}
