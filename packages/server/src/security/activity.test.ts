/** Lines of the audit log as operators ask for them: from memory, from the file behind it, and across the border between the two. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Activity, type ActivityFilter, type ActivityPage } from './activity.ts';
import { placeAtTime } from './audit-backwards.ts';
import { openAuditFile, type AuditFile } from './audit-file.ts';
import { Audit, type AuditEvent } from './audit.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-activity-'));
afterAll(() => rmSync(folder, { recursive: true }));

const nothing: ActivityFilter = { kinds: [] };
const event = (n: number): AuditEvent => ({ kind: n % 3 === 0 ? 'denied' : 'write', accessorId: `token-${n % 2}`, namespace: 'default', address: '10.0.0.7', via: 'consul', action: `PUT /v1/kv/${n}` });

interface Log {
  readonly activity: Activity;
  readonly close: () => Promise<void>;
}

let files = 0;
/** An audit log with so many events, a second apart, and a memory that has only the last of them. */
async function logged(events: number, recentMax: number, path = join(folder, `${files++}.log`)): Promise<Log & { readonly path: string }> {
  let now = 0;
  const file: AuditFile = await openAuditFile(path);
  const activity = new Activity({ now: () => now, file: path, recentMax });
  const audit = new Audit({ sink: file, last: file.last, now: () => now, onError: () => {}, onWritten: (entries) => activity.add(entries) });
  for (let n = 1; n <= events; n++) {
    now += 1_000;
    audit.record(event(n));
    if (n % 50 === 0) await audit.flush();
  }
  await audit.flush();
  return { activity, path, close: () => file.close() };
}

async function pages(activity: Activity, filter: ActivityFilter, limit: number): Promise<number[]> {
  const seen: number[] = [];
  let page: ActivityPage = { lines: [] };
  do {
    page = await activity.find({ filter, limit, ...(page.cursor === undefined ? {} : { before: page.cursor }) });
    seen.push(...page.lines.map(({ seq }) => seq));
  } while (page.cursor !== undefined);
  return seen;
}

describe('with a file', () => {
  test('lines up to a time are found by halving the file, not by reading all that came later', async () => {
    const { activity, path, close } = await logged(3_000, 20);
    const until = (seconds: number) => activity.find({ filter: { kinds: [], untilMs: seconds * 1_000 }, limit: 3 });
    for (const seconds of [1, 2, 500, 1_499, 2_970, 2_990, 3_001, 9_999]) {
      const last = Math.min(3_000, seconds - 1);
      expect((await until(seconds)).lines.map(({ seq }) => seq)).toEqual([last, last - 1, last - 2].filter((seq) => seq > 0));
      // A piece has some 250 lines.
      if (seconds < 2_000) expect((await placeAtTime(path, seconds * 1_000)).seq).toBeLessThanOrEqual(last + 400);
    }
    expect(await pages(activity, { kinds: [], untilMs: 100_000 }, 40)).toEqual(Array.from({ length: 99 }, (_, n) => 99 - n));
    await close();
  });

  test('pages have every line once, the newest first, however many of them are in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(400), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 90 }), async (events, recentMax, limit) => {
        const { activity, close } = await logged(events, recentMax);
        expect(await pages(activity, nothing, limit)).toEqual(Array.from({ length: events }, (_, n) => events - n));
        await close();
      }),
      { numRuns: 12 },
    );
  });

  test('a filter finds what it says, in memory and in the file', async () => {
    const { activity, close } = await logged(100, 10);
    const numbers = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(await pages(activity, { kinds: ['denied'] }, 7)).toEqual(numbers.filter((n) => n % 3 === 0));
    expect(await pages(activity, { kinds: [], person: 'token-1' }, 7)).toEqual(numbers.filter((n) => n % 2 === 1));
    expect(await pages(activity, { kinds: [], text: 'kv/9' }, 7)).toEqual(numbers.filter((n) => String(n).startsWith('9')));
    expect(await pages(activity, { kinds: [], fromMs: 20_000, untilMs: 23_000 }, 7)).toEqual([22, 21, 20]);
    expect(await pages(activity, { kinds: [], namespace: 'other' }, 7)).toEqual([]);
    await close();
  });

  test('the lines of the process before are found, too', async () => {
    const first = await logged(30, 10);
    await first.close();
    const second = await logged(5, 10, first.path);
    expect(await pages(second.activity, nothing, 10)).toEqual(Array.from({ length: 35 }, (_, n) => 35 - n));
    await second.close();
  });

  test('a page reads a part of a large file only, and says how far it has looked', async () => {
    const { activity, close } = await logged(12_000, 10);
    const page = await activity.find({ filter: { kinds: [], text: 'no such thing' }, limit: 10 });
    expect(page.lines).toEqual([]);
    expect(page.backToMs).toBeGreaterThan(1_000_000);
    const next = await activity.find({ filter: { kinds: [], text: 'no such thing' }, limit: 10, before: page.cursor as string });
    expect(next.backToMs ?? 0).toBeLessThan(page.backToMs as number);
    await close();
  });

  test.each(['', 'x', '1.', '-1', '1.2.3'])('the cursor %j is refused', async (before) => {
    const { activity, close } = await logged(1, 10);
    await expect(activity.find({ filter: nothing, limit: 1, before })).rejects.toMatchObject({ code: 'invalid_argument' });
    await close();
  });
});

describe('without a file', () => {
  test('the last lines are there, numbered from the start of the process, with what was lost before them', async () => {
    const activity = new Activity({ now: () => 5_000, recentMax: 3 });
    for (let n = 1; n <= 20; n++) activity.record(event(n));
    activity.countDropped(4);
    activity.record({ ...event(21), action: 'x'.repeat(5_000) });
    const { lines, cursor } = await activity.find({ filter: nothing, limit: 2 });
    expect(lines.map(({ seq, dropped, time }) => [seq, dropped, time])).toEqual([[21, 4, '1970-01-01T00:00:05.000Z'], [20, undefined, '1970-01-01T00:00:05.000Z']]);
    expect(lines[0]?.action.length).toBeLessThan(1_100);
    const { lines: older } = await activity.find({ filter: nothing, limit: 100, before: cursor as string });
    expect(older.length).toBeGreaterThanOrEqual(1);
    expect(older.length).toBeLessThan(7);
    expect(activity.isLasting).toBe(false);
  });
});
