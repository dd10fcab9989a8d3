/**
 * Damage to the file never crashes the process and never yields wrong records: either the store is
 * refused, or what was damaged was not in use and everything is as it was.
 */

import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();
const pageBytes = 4_096;

let sound: Buffer;
/** The same store some transactions earlier: where stale pages come from. */
let earlier: Buffer;
let content: string;

/** A store with branch pages, values on pages of their own, and free pages. */
beforeAll(async () => {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-engine-'));
  const path = join(dir, 'rollcall.mdb');
  let engine = await embedded({ dir });
  for (let round = 0; round < 12; round++) {
    if (round === 8) {
      await engine.close();
      earlier = await readFile(path);
      engine = await embedded({ dir });
    }
    await engine.commit({
      expect: [],
      put: Array.from({ length: 120 }, (_, index) => ({
        key: `instance\0node-${(round * 7 + index) % 40}\0web-${(round * 120 + index) % 700}`,
        value: Buffer.alloc(index % 40 === 0 ? 9_000 : 150 + index, round + 1),
      })),
      delete: Array.from({ length: 20 }, (_, index) => `instance\0node-${index}\0web-${index * round}`),
    });
  }
  await engine.commit({ expect: [], put: [], delete: ['nothing'] });
  content = await digest(engine);
  await engine.close();
  sound = await readFile(path);
  await rm(dir, { recursive: true });
});

/** Everything that the engine says of its content, as text. */
async function digest(engine: Engine): Promise<string> {
  const abort = new AbortController();
  const lines: string[] = [];
  for await (const event of engine.changes({ signal: abort.signal })) {
    if (event.kind === 'caught-up') {
      lines.push(`at ${event.revision}`);
      break;
    }
    if (event.kind !== 'records') throw new Error(`unexpected ${event.kind}`);
    for (const { key, value, revision } of event.records) {
      lines.push(`${key} ${revision} ${Buffer.from(value).toString('base64')}`);
    }
  }
  return lines.join('\n');
}

/** Opens a store made of `file`; tells whether it was refused, and checks it thoroughly if not. */
async function tryOut(file: Buffer): Promise<'refused' | 'sound'> {
  const dir = await scratch();
  await writeFile(join(dir, 'rollcall.mdb'), file);
  let engine;
  try {
    engine = await embedded({ dir });
  } catch (error) {
    if (isRegistryError(error, 'data_loss') || isRegistryError(error, 'failed_precondition')) return 'refused';
    throw error;
  }
  expect(await digest(engine)).toBe(content);
  // Damage to the lists of free pages would show in what is written next.
  for (let round = 0; round < 8; round++) {
    const put = Array.from({ length: 40 }, (_, index) => ({ key: `new-${index}`, value: Buffer.alloc(700, round) }));
    await engine.commit({ expect: [], put, delete: [] });
  }
  await engine.commit({ expect: [], put: [], delete: Array.from({ length: 40 }, (_, index) => `new-${index}`) });
  const after = await digest(engine);
  await engine.close();
  engine = await embedded({ dir });
  expect(await digest(engine)).toBe(after);
  await engine.close();
  expect(after.split('\n').slice(0, -1)).toEqual(content.split('\n').slice(0, -1));
  return 'sound';
}

async function refusedAfter(damage: (path: string) => Promise<void>): Promise<string> {
  const dir = await scratch();
  const path = join(dir, 'rollcall.mdb');
  await writeFile(path, sound);
  await damage(path);
  try {
    await embedded({ dir });
  } catch (error) {
    if (isRegistryError(error, 'data_loss') || isRegistryError(error, 'failed_precondition')) return error.message;
    throw error;
  }
  throw new Error('the store was opened');
}

describe('a damaged store', () => {
  it('is found sound when nothing was done to it', async () => {
    expect(await tryOut(sound)).toBe('sound');
  });

  it('is refused when it is empty, cut off, or another kind of file', async () => {
    const cases: [damage: (path: string) => Promise<void>, message: RegExp][] = [
      [(path) => truncate(path, 0), /cut off/],
      [(path) => truncate(path, 100), /cut off/],
      [(path) => truncate(path, pageBytes), /cut off/],
      [(path) => truncate(path, sound.length / 2), /ends before page|ends within/],
      [(path) => writeFile(path, Buffer.alloc(sound.length)), /not a Rollcall store/],
      [(path) => writeFile(path, Buffer.concat([Buffer.alloc(64, 0xff), sound.subarray(64)])), /not a Rollcall store/],
    ];
    for (const [damage, message] of cases) expect(await refusedAfter(damage)).toMatch(message);
  });

  it('is refused when its newest head is gone, rather than opened one transaction back', async () => {
    for (const page of [0, 1]) {
      await refusedAfter((path) => writeFile(path, withPage(page, Buffer.alloc(pageBytes))));
      await refusedAfter((path) => writeFile(path, withPage(page, pageOf(earlier, page))));
    }
  });

  it('is refused or sound whatever page is overwritten, and with what', async () => {
    const pages = sound.length / pageBytes;
    const outcomes = { refused: 0, sound: 0 };
    const damage = fc.oneof(
      fc.record({ kind: fc.constant('garbage' as const), page: fc.nat(pages - 1), seed: fc.integer() }),
      fc.record({ kind: fc.constant('zeros' as const), page: fc.nat(pages - 1) }),
      fc.record({ kind: fc.constant('stale' as const), page: fc.nat(earlier.length / pageBytes - 1) }),
      fc.record({ kind: fc.constant('misplaced' as const), page: fc.nat(pages - 1), from: fc.nat(pages - 1) }),
      fc.record({ kind: fc.constant('cut' as const), page: fc.nat(pages - 1) }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (what) => {
        let file: Buffer;
        if (what.kind === 'garbage') file = withPage(what.page, garbage(what.seed));
        else if (what.kind === 'zeros') file = withPage(what.page, Buffer.alloc(pageBytes));
        else if (what.kind === 'stale') file = withPage(what.page, pageOf(earlier, what.page));
        else if (what.kind === 'misplaced') file = withPage(what.page, pageOf(sound, what.from));
        else file = sound.subarray(0, what.page * pageBytes);
        outcomes[await tryOut(file)]++;
      }),
      { numRuns: 60 },
    );
    expect(outcomes.refused).toBeGreaterThan(10);
  });

  it('is refused or sound whatever bytes are flipped', async () => {
    const outcomes = { refused: 0, sound: 0 };
    // Headers and nodes are where LMDB would follow what it finds: half of the flips go there.
    const place = fc.oneof(
      fc.nat(sound.length - 1),
      fc.record({ page: fc.nat(sound.length / pageBytes - 1), at: fc.nat(63) }).map(({ page, at }) => page * pageBytes + at),
    );
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const file = Buffer.from(sound);
        file[at] = (file[at] as number) ^ mask;
        outcomes[await tryOut(file)]++;
      }),
      { numRuns: 120 },
    );
    expect(outcomes.refused).toBeGreaterThan(10);
    expect(outcomes.sound).toBeGreaterThan(0);
  });
});

function pageOf(file: Buffer, page: number): Buffer {
  return file.subarray(page * pageBytes, (page + 1) * pageBytes);
}

function withPage(page: number, bytes: Buffer): Buffer {
  const file = Buffer.from(sound);
  bytes.copy(file, page * pageBytes);
  return file;
}

function garbage(seed: number): Buffer {
  let state = seed | 1;
  return Buffer.from(
    Array.from({ length: pageBytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}
