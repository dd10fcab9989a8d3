/**
 * Damage to the files never yields wrong records: either the store is refused, or the damaged bytes were
 * not in use and the content is unchanged. Only a write that a crash may have cut off is dropped.
 */

import { cp, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { markerName } from './directory.ts';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';
import { framesAt } from './store-file.ts';

const scratch = scratchDirectories();
const logBytes = 32_768;
const sectorBytes = 512;

/** A store that was closed, and the same store as a crash would have left it just before. */
let closed: string;
let crashed: string;
/** Its files, and its content after each transaction, by revision. */
let files: string[];
const states = new Map<number, string>();
let newest = 0;

/** A store with a base, full logs, removed records, and a transaction of several frames. */
beforeAll(async () => {
  closed = await mkdtemp(join(tmpdir(), 'rollcall-damage-'));
  crashed = await mkdtemp(join(tmpdir(), 'rollcall-damage-'));
  const model = new Map<string, string>();
  const write = async (engine: Engine, round: number): Promise<void> => {
    const put = Array.from({ length: 25 }, (_, index) => ({
      key: `instance\0node-${(round * 7 + index) % 20}\0web-${(round * 25 + index) % 150}`,
      value: Buffer.alloc(index === 0 && round === 9 ? 20_000 : 120 + index, round + 1),
    }));
    const gone = [`instance\0node-${round % 20}\0web-${round}`];
    newest = (await engine.commit({ expect: [], put, delete: gone })).revision;
    for (const key of gone) model.delete(key);
    for (const { key, value } of put) model.set(key, `${newest} ${value.toString('base64')}`);
    states.set(newest, textOf(model));
  };
  let engine = await embedded({ dir: closed, logBytes });
  let round = 0;
  // When a compaction is over depends on the machine; some time after one, there are logs again.
  const found = async (): Promise<string[]> => (await readdir(closed)).filter((name) => /\.(base|log)$/.test(name));
  while (round < 30 || (await found()).length < 4 || !(await found()).some((name) => name.endsWith('.base'))) {
    await write(engine, round++);
  }
  // Closing ends a compaction, and a longer log puts off the next one: the files stand still while
  // they are copied.
  await engine.close();
  engine = await embedded({ dir: closed, logBytes: 1_048_576 });
  const endOfLog = async (): Promise<number> => {
    const bytes = await readFile(join(closed, (await found()).toSorted().at(-1) as string));
    return bytes.length - trailingZeros(bytes);
  };
  // At least three transactions, of which the last is known to be small.
  for (let writes = 0; writes < 2 || (await endOfLog()) < framesAt + 15_000; writes++) await write(engine, round++);
  await cp(closed, crashed, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await engine.close();
  files = (await readdir(closed)).filter((name) => name !== markerName).toSorted();
  expect(files.filter((name) => name.endsWith('.base'))).toHaveLength(1);
  expect(files.filter((name) => name.endsWith('.log')).length).toBeGreaterThan(1);
});

afterAll(async () => {
  for (const dir of [closed, crashed]) await rm(dir, { recursive: true, force: true });
});

function textOf(content: ReadonlyMap<string, string>): string {
  return [...content].map((entry) => entry.join(' ')).toSorted().join('\n');
}

async function contentOf(engine: Engine): Promise<string> {
  const content = new Map<string, string>();
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    for (const { key, value, revision } of event.records) {
      content.set(key, `${revision} ${Buffer.from(value).toString('base64')}`);
    }
  }
  return textOf(content);
}

/**
 * Damages a copy of a store and opens it.
 * @returns the revision that it opened at, or how it was refused
 */
async function tryOut(store: string, damage: (dir: string) => Promise<void>): Promise<number | string> {
  const dir = await scratch();
  await cp(store, dir, { recursive: true });
  await damage(dir);
  let engine;
  try {
    engine = await embedded({ dir, logBytes });
  } catch (error) {
    if (isRegistryError(error, 'data_loss') || isRegistryError(error, 'failed_precondition')) return error.message;
    throw error;
  }
  const revision = await engine.barrier();
  expect(await contentOf(engine)).toBe(states.get(revision));
  // It must also take new writes, and open again.
  const next = await engine.commit({ expect: [], put: [{ key: 'new', value: Buffer.of(1) }], delete: [] });
  expect(next.revision).toBeGreaterThan(revision);
  await engine.close();
  engine = await embedded({ dir, logBytes });
  expect(await engine.barrier()).toBe(next.revision);
  await engine.close();
  return revision;
}

/** Overwrites `bytes` at `at` in a file, within its length. */
function overwrite(name: string, at: number, bytes: Buffer): (dir: string) => Promise<void> {
  return async (dir) => {
    const file = await readFile(join(dir, name));
    bytes.copy(file, Math.min(at, file.length - bytes.length));
    await writeFile(join(dir, name), file);
  };
}

describe('a store that was closed', () => {
  it('opens when no file was damaged', async () => {
    expect(await tryOut(closed, async () => {})).toBe(newest);
  });

  it('is refused when any of its files is empty, cut off, longer or missing', async () => {
    for (const name of files) {
      const size = (await readFile(join(closed, name))).length;
      for (const length of [0, 100, framesAt, size >> 1, size - 1, size + 1]) {
        expect(await tryOut(closed, (dir) => truncate(join(dir, name), length)), `${name} of ${length} bytes`).toMatch(/damaged/);
      }
      expect(await tryOut(closed, (dir) => unlink(join(dir, name))), `without ${name}`).toMatch(/missing|begins at revision/);
    }
  });

  it('is refused when a file is another kind of file, or in the place of another', async () => {
    for (const name of files) {
      const size = (await readFile(join(closed, name))).length;
      expect(await tryOut(closed, overwrite(name, 0, Buffer.alloc(size)))).toMatch(/not a file of a Rollcall store/);
      for (const other of files.filter((each) => each !== name)) {
        expect(await tryOut(closed, (dir) => cp(join(dir, other), join(dir, name)))).toMatch(/damaged/);
      }
    }
  });

  it('is refused when its last writes are overwritten with zeros', async () => {
    const last = files.at(-1) as string;
    const bytes = await readFile(join(closed, last));
    const end = bytes.length - trailingZeros(bytes);
    for (const length of [1, 20, sectorBytes, end - framesAt]) {
      expect(await tryOut(closed, overwrite(last, end - length, Buffer.alloc(length)))).toMatch(/damaged/);
    }
  });

  it('is refused, or opens with its content unchanged, after any overwrite', async () => {
    const outcomes = { refused: 0, sound: 0 };
    const place = fc.record({ file: fc.nat(files.length - 1), at: fc.nat(logBytes - 1) });
    const damage = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), place, mask: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ kind: fc.constant('header' as const), place, mask: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ kind: fc.constant('garbage' as const), place, seed: fc.integer() }),
      fc.record({ kind: fc.constant('zeros' as const), place }),
      fc.record({ kind: fc.constant('misplaced' as const), place, from: fc.nat(logBytes - 1) }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (what) => {
        const name = files[what.place.file] as string;
        const file = await readFile(join(closed, name));
        const at = Math.min(what.kind === 'header' ? what.place.at % 80 : what.place.at, file.length - sectorBytes);
        const sector = at - (at % sectorBytes);
        const outcome = await tryOut(
          closed,
          what.kind === 'flip' || what.kind === 'header'
            ? overwrite(name, at, Buffer.of((file[at] as number) ^ what.mask))
            : what.kind === 'garbage'
              ? overwrite(name, sector, garbage(what.seed))
              : what.kind === 'zeros'
                ? overwrite(name, sector, Buffer.alloc(sectorBytes))
                : overwrite(name, sector, file.subarray(what.from, what.from + sectorBytes)),
        );
        if (typeof outcome === 'number') expect(outcome).toBe(newest);
        outcomes[typeof outcome === 'number' ? 'sound' : 'refused']++;
      }),
      { numRuns: 150 },
    );
    expect(outcomes.refused).toBeGreaterThan(20);
    expect(outcomes.sound).toBeGreaterThan(5);
  });
});

describe('a store after a crash', () => {
  it('has all transactions when no write was cut off', async () => {
    expect(await tryOut(crashed, async () => {})).toBe(newest);
  });

  it('has all but the last write when any part of the last write is missing', async () => {
    const last = files.at(-1) as string;
    const bytes = await readFile(join(crashed, last));
    const end = bytes.length - trailingZeros(bytes);
    await fc.assert(
      // Before a crash, any sectors of a write may reach the disk, in any order.
      fc.asyncProperty(fc.infiniteStream(fc.boolean()), fc.nat(8), async (reached, back) => {
        let lost = false;
        const torn = Buffer.from(bytes);
        for (let sector = end - (end % sectorBytes); sector > end - 3_200 + back * sectorBytes; sector -= sectorBytes) {
          if (reached.next().value === true) continue;
          const from = Math.max(sector, end - 3_200);
          if (torn.subarray(from, sector + sectorBytes).some((byte) => byte !== 0)) lost = true;
          torn.fill(0, from, sector + sectorBytes);
        }
        const outcome = await tryOut(crashed, (dir) => writeFile(join(dir, last), torn));
        expect(outcome).toBe(lost ? newest - 1 : newest);
      }),
      { numRuns: 60 },
    );
  });

  it('is refused when a write before the last one is damaged', async () => {
    const last = files.at(-1) as string;
    const bytes = await readFile(join(crashed, last));
    const end = bytes.length - trailingZeros(bytes);
    // Each transaction is about 4 KiB: the one before the last, and the first of the file.
    for (const at of [end - 5_500, framesAt + 100]) {
      expect(await tryOut(crashed, overwrite(last, at, garbage(at)))).toMatch(/unreadable at byte/);
    }
  });
});

function trailingZeros(bytes: Buffer): number {
  let count = 0;
  while (bytes[bytes.length - 1 - count] === 0) count++;
  return count;
}

function garbage(seed: number): Buffer {
  let state = seed | 1;
  return Buffer.from(
    Array.from({ length: sectorBytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}
