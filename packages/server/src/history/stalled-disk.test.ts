/** A disk that stands still: no write waits for it, the waiting bytes are bounded, the loss is told, and the rest can be read, also from the files. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { kvKey } from '../registry/kind/kv/keys.ts';
import { say } from '../replica/shared-commands.case.ts';
import type { OpenFile } from './files.ts';
import { world } from './history.case.ts';
import { History } from './history.ts';

const bytesMax = 400_000;
const waitingBytesMax = 120_000;
const segmentBytes = bytesMax / 8;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-stalled-disk-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Files that are written only while the disk moves. */
function disk() {
  let moves = Promise.resolve();
  let start = () => {};
  let stalled = () => {};
  const atStandstill = new Promise<void>((resolve) => (stalled = resolve));
  let isStalled = false;
  const openFile: OpenFile = async (path, flags, mode) => {
    const file = await open(path, flags, mode);
    return {
      appendFile: async (bytes) => {
        if (isStalled) stalled();
        await moves;
        await file.appendFile(bytes);
      },
      close: () => file.close(),
    };
  };
  return {
    open: openFile,
    /** Resolves when a write waits for it. */
    atStandstill,
    stall: () => {
      isStalled = true;
      moves = new Promise((resolve) => (start = resolve));
    },
    move: () => {
      isStalled = false;
      start();
    },
  };
}

function logged() {
  const lines: string[] = [];
  const add = (...args: unknown[]) => void lines.push(String(args.at(-1)));
  return { lines, log: { info: add, warn: add } };
}

const putMany = (count: number, from: number) => Array.from({ length: count }, (_, at) => say.put('a', `${from + at} ${'x'.repeat(1_000)}`));

test('the bytes that wait for it are bounded; the oldest part is lost, which log, facts and answers say', async () => {
  const dir = folder();
  const { open: openFile, atStandstill, stall, move } = disk();
  const { lines, log } = logged();
  const { history, states, commit, clock, journal } = world(bytesMax, { folder: dir, waitingBytesMax, open: openFile, log });
  await history.known();
  commit(putMany(100, 0));
  const beforeStall = journal.state.revision;
  stall();
  commit(putMany(10, 100));
  await atStandstill;
  let most = 0;
  for (let at = 0; at < 250; at++) {
    commit(putMany(1, 110 + at));
    most = Math.max(most, history.waitingBytes);
  }
  expect(most).toBeGreaterThan(waitingBytesMax / 2);
  expect(most).toBeLessThanOrEqual(waitingBytesMax);
  expect(lines.filter((line) => line.includes('the disk does not take'))).toHaveLength(1);
  const { since, lost } = history.bounds;
  expect(since.revision).toBeGreaterThan(beforeStall);
  expect(lost?.bytes).toBeGreaterThan(100_000);
  await expect(history.at({ revision: beforeStall })).rejects.toThrow(`since the disk took no writes of it until`);
  for (const revision of [since.revision, since.revision + 7, journal.state.revision]) {
    const { frozen, release } = await history.at({ revision });
    expect(frozen.get(kvKey('default', 'a'))).toEqual(states.get(revision)?.get(kvKey('default', 'a')));
    release();
  }
  move();
  await history.close();
  expect(history.waitingBytes).toBe(0);
  // The files go on where the store is, and have no gap.
  const next = new History({ state: journal.state, clock, bytesMax, folder: dir, log });
  next.start();
  expect((await next.known()).since).toEqual(since);
  const step = Math.ceil((journal.state.revision - since.revision) / 20);
  for (let revision = since.revision; revision <= journal.state.revision; revision += step) {
    const { frozen, release } = await next.at({ revision });
    expect(frozen.get(kvKey('default', 'a'))).toEqual(states.get(revision)?.get(kvKey('default', 'a')));
    release();
  }
  await next.close();
  expect(lines).toHaveLength(1);
  expect(readdirSync(dir).length).toBeLessThanOrEqual(Math.ceil(waitingBytesMax / segmentBytes) + 2);
});

test('a disk that moves again in time loses nothing', async () => {
  const dir = folder();
  const { open: openFile, atStandstill, stall, move } = disk();
  const { lines, log } = logged();
  const { history, commit, clock, journal } = world(bytesMax, { folder: dir, waitingBytesMax, open: openFile, log });
  await history.known();
  const { since } = history.bounds;
  stall();
  commit(putMany(80, 0));
  await atStandstill;
  commit(putMany(20, 80));
  expect(history.waitingBytes).toBeGreaterThan(segmentBytes);
  move();
  await history.close();
  expect([lines, history.bounds.lost, history.waitingBytes]).toEqual([[], undefined, 0]);
  const next = new History({ state: journal.state, clock, bytesMax, folder: dir, log });
  next.start();
  expect((await next.known()).since).toEqual(since);
  await next.close();
  expect(lines).toEqual([]);
});

test('a disk that takes no file at all: the waiting bytes are bounded, too', async () => {
  const dir = folder();
  const { lines, log } = logged();
  const { history, commit } = world(bytesMax, { folder: dir, waitingBytesMax, open: () => Promise.reject(new Error('no space left on device')), log });
  await history.known();
  for (let at = 0; at < 300; at++) {
    commit(putMany(1, at));
    await Promise.resolve();
    expect(history.waitingBytes).toBeLessThanOrEqual(waitingBytesMax);
  }
  expect(lines.map((line) => line.split(';')[0])).toEqual(['the history cannot be written', 'the disk does not take what the history writes, so its oldest part is dropped']);
  await history.close();
});
