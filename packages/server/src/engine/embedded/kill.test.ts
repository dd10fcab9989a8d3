/**
 * Kills the real process under write load, again and again, and checks the store:
 *
 * - every acknowledged transaction is there, at the revision that was acknowledged,
 * - every transaction is whole or absent, and none is present without those called before it,
 * - the records of earlier lives are unchanged, and revisions never go back.
 *
 * The process runs the built `dist`, so `npx tsc -b` comes first. `ROLLCALL_KILLS` is the number of
 * kills, `ROLLCALL_KILL_SEED` repeats a run's moments (though not what the machine made of them).
 */

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Engine, EngineRecord } from '../engine.ts';
import { embedded } from './embedded.ts';
import { kept, partsOf, recordOf } from './kill-records.mjs';

const kills = Number(process.env['ROLLCALL_KILLS'] ?? 100);
const seed = Number(process.env['ROLLCALL_KILL_SEED'] ?? randomInt(2 ** 31));
const script = fileURLToPath(new URL('kill-writer.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../../dist/engine/embedded/embedded.js', import.meta.url));

type Bug = 'none' | 'early' | 'torn';

interface Life {
  /** Revision of each acknowledged transaction, by writer and number. */
  readonly acknowledged: Map<string, number>;
  readonly errors: string;
}

/** A store, and how it is written. */
interface Setting {
  readonly dir: string;
  readonly bug: Bug;
  readonly logBytes: number;
}

/**
 * Runs the process until it has acknowledged `transactions` and for `extraMs` longer, and kills it.
 * Without transactions the time runs from the start: it is killed while it opens the store.
 */
function live({ dir, bug, logBytes }: Setting, run: string, transactions: number, extraMs: number): Promise<Life> {
  return new Promise((ended, failed) => {
    const options = [script, dir, run, bug, String(logBytes)];
    const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    const acknowledged = new Map<string, number>();
    let seen = 0;
    let rest = '';
    let errors = '';
    if (transactions === 0) setTimeout(() => child.kill('SIGKILL'), extraMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [what, writer, number, revision] = line.split(' ');
        if (what === 'ack') acknowledged.set(`${writer} ${number}`, Number(revision));
      }
      seen += lines.length;
      if (transactions > 0 && seen >= transactions) {
        transactions = Number.POSITIVE_INFINITY;
        setTimeout(() => child.kill('SIGKILL'), extraMs);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    child.on('error', failed);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') ended({ acknowledged, errors });
      else failed(new Error(`the process ended by itself (${code ?? signal}): ${errors}`));
    });
  });
}

/** The records that the store must have kept from all earlier lives. */
class Expected {
  readonly records = new Map<string, number>();
  revision = 0;

  /** @returns the faults of the store after a life; empty when there are none */
  check(run: string, life: Life, revision: number, found: ReadonlyMap<string, EngineRecord>): string[] {
    const wrong: string[] = [];
    if (revision < this.revision) wrong.push(`the revision went back from ${this.revision} to ${revision}`);
    for (const [key, at] of this.records) {
      if (found.get(key)?.revision !== at) wrong.push(`an earlier life's ${JSON.stringify(key)} has changed`);
    }
    const own = [...found.values()].filter(({ key }) => key.startsWith(`${run}\0`));
    for (let writer = 0; writer < 4; writer++) this.#checkWriter(run, writer, life, own, wrong);
    for (const at of life.acknowledged.values()) {
      if (at > revision) wrong.push(`revision ${at} was acknowledged, the store stands at ${revision}`);
    }
    this.revision = revision;
    for (const record of own) this.records.set(record.key, record.revision);
    return wrong;
  }

  #checkWriter(run: string, writer: number, life: Life, own: readonly EngineRecord[], wrong: string[]): void {
    const parts = new Map<number, EngineRecord[]>();
    for (const record of own) {
      const [, by, number] = record.key.split('\0').map(Number);
      if (by === writer) parts.set(number as number, [...(parts.get(number as number) ?? []), record]);
    }
    const last = Math.max(-1, ...parts.keys());
    const acknowledged = [...life.acknowledged.keys()].map((id) => id.split(' ').map(Number));
    const lastAcknowledged = Math.max(-1, ...acknowledged.filter(([by]) => by === writer).map(([, number]) => number as number));
    if (lastAcknowledged > last) wrong.push(`writer ${writer}: ${lastAcknowledged} was acknowledged, the last one there is ${last}`);
    let before = 0;
    for (let number = Math.max(0, last - kept + 1); number <= last; number++) {
      const records = parts.get(number) ?? [];
      const at = records[0]?.revision ?? 0;
      const name = `writer ${writer}, transaction ${number}`;
      if (records.length !== partsOf(number)) wrong.push(`${name}: ${records.length} of ${partsOf(number)} records are there`);
      if (records.some(({ revision }) => revision !== at)) wrong.push(`${name}: its records have different revisions`);
      if (at <= before) wrong.push(`${name}: revision ${at} is not above ${before}`);
      // NaN: the seeded bug acknowledges before the revision is known.
      const promised = life.acknowledged.get(`${writer} ${number}`) ?? Number.NaN;
      if (!Number.isNaN(promised) && promised !== at) wrong.push(`${name}: revision ${promised} was acknowledged, it is ${at}`);
      for (let part = 0; part < partsOf(number); part++) {
        const { key, value } = recordOf(run, writer, number, part);
        const record = records.find((each) => each.key === key);
        if (record !== undefined && !value.equals(record.value)) wrong.push(`${name}: part ${part} has another value`);
      }
      before = at;
    }
    for (const number of parts.keys()) {
      if (number <= last - kept) wrong.push(`writer ${writer}: transaction ${number} should have been removed`);
    }
  }
}

async function contentOf(engine: Engine): Promise<Map<string, EngineRecord>> {
  const found = new Map<string, EngineRecord>();
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    for (const record of event.records) found.set(record.key, record);
  }
  return found;
}

/** Takes one store through `count` lives. @returns the faults, and how much was acknowledged */
async function lives(
  count: number,
  bug: Bug,
  logBytes: number,
  random: () => number,
): Promise<{ wrong: string[]; acknowledged: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-kill-'));
  const expected = new Expected();
  let acknowledged = 0;
  try {
    for (let number = 0; number < count; number++) {
      const run = `run${number}`;
      const opening = random() < 0.1;
      const transactions = opening ? 0 : 1 + Math.floor(random() ** 2 * 600);
      const life = await live({ dir, bug, logBytes }, run, transactions, random() * (opening ? 120 : 3));
      acknowledged += life.acknowledged.size;
      // Opening checks the whole store, without any repair by hand before.
      const engine = await embedded({ dir, logBytes });
      const wrong = expected.check(run, life, await engine.barrier(), await contentOf(engine));
      if (wrong.length > 0) return { wrong: wrong.map((what) => `kill ${number + 1}: ${what}`), acknowledged };
      if (number % 10 === 9) await forget(engine, expected);
      await engine.close();
    }
    return { wrong: [], acknowledged };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Empties the store, so that checking does not take longer and longer; pages are freed, too. */
async function forget(engine: Engine, expected: Expected): Promise<void> {
  const result = await engine.commit({ expect: [], put: [], delete: [...expected.records.keys()] });
  expected.records.clear();
  expected.revision = result.revision;
}

function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('kill -9', () => {
  it('has a built process to kill', () => {
    expect(existsSync(built), 'run `npx tsc -b` first').toBe(true);
  });

  it(
    `loses nothing acknowledged and leaves nothing half done in ${kills} kills`,
    async () => {
      // Two stores side by side. One has tiny logs, so that kills also hit new files and compactions.
      const outcomes = await Promise.all([
        lives(Math.floor(kills / 2), 'none', 16_777_216, randomFrom(seed)),
        lives(Math.ceil(kills / 2), 'none', 32_768, randomFrom(seed + 1)),
      ]);
      for (const { wrong } of outcomes) expect(wrong, `ROLLCALL_KILL_SEED=${seed}`).toEqual([]);
      // A process that acknowledges next to nothing proves next to nothing.
      expect(outcomes.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(kills * 20);
    },
    30_000 + kills * 2_000,
  );

  it.each<[Bug, RegExp]>([
    ['early', /was acknowledged, the last one there is/],
    ['torn', /records are there|different revisions/],
  ])('is noticed by this test when acknowledgements are %s', async (bug, message) => {
    const { wrong } = await lives(20, bug, 32_768, randomFrom(seed));
    expect(wrong.join('\n')).toMatch(message);
  });
});
