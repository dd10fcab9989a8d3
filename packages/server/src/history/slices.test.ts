/** Reading the history takes many turns of the event loop, each with a bounded number of rows, bytes and judgements, while it goes on. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { findKv } from '../registry/kind/kv/find.ts';
import { Frozen } from '../registry/frozen.ts';
import type { Command } from '../registry/kinds.ts';
import { say } from '../replica/shared-commands.case.ts';
import { Cursor } from './format.ts';
import { world } from './history.case.ts';
import { nextTurn, units, unitsPerSlice } from './slices.ts';

afterEach(() => void vi.restoreAllMocks());

/** Calls of a method, and how many there were between two turns. */
function perTurn(count: () => number) {
  const turns: number[] = [];
  let before = 0;
  const mark = () => {
    turns.push(count() - before);
    before = count();
  };
  return { turns, mark, turn: () => (mark(), nextTurn()) };
}

/** One transaction with so many keys. */
const keys = (number: number, value: string): Command => ({ kind: 'txn', operations: Array.from({ length: number }, (_, n) => ({ change: say.put(`k-${n}`, value) })) });

test('a state of the past is made of a bounded number of rows in a turn', async () => {
  const noted = vi.spyOn(Frozen.prototype, 'noteEarlier');
  const { turns, mark, turn } = perTurn(() => noted.mock.calls.length);
  const { history, commit, journal } = world(10_000_000, { turn });
  commit([keys(3_000, 'x')]);
  const { revision } = journal.state;
  commit([keys(3_000, 'y')]);
  (await history.at({ revision })).release();
  mark();
  expect(noted.mock.calls.length).toBe(3_000);
  expect(Math.max(...turns)).toBeLessThanOrEqual(unitsPerSlice / units.row + 1);
});

test('and of a bounded number of bytes', async () => {
  const valueBytes = 100_000;
  const noted = vi.spyOn(Frozen.prototype, 'noteEarlier');
  const { turns, mark, turn } = perTurn(() => noted.mock.calls.length * valueBytes);
  const { history, commit, journal } = world(50_000_000, { turn });
  const all = (value: string) => Array.from({ length: 40 }, (_, n) => say.put(`k-${n}`, value.repeat(valueBytes)));
  commit(all('x'));
  const { revision } = journal.state;
  commit(all('y'));
  (await history.at({ revision })).release();
  mark();
  expect(noted.mock.calls.length).toBe(40);
  expect(Math.max(...turns)).toBeLessThanOrEqual(unitsPerSlice / units.byte + valueBytes);
});

test('the strip of a service reads a bounded number of rows in a turn, and judges its instances over many turns when their node changes', async () => {
  const [instances, flips] = [6_000, 4];
  const read = vi.spyOn(Cursor.prototype, 'before');
  const { turns, mark, turn } = perTurn(() => read.mock.calls.length);
  const { history, commit, clock } = world(10_000_000, { turn });
  const own = Array.from({ length: instances }, (_, n) => ({ id: `i-${n}`, service: 'web', port: 80 }));
  commit([{ ...say.instance('n1', ''), instances: own, checks: own.map(({ id }) => ({ id: `c-${id}`, name: '', status: 'passing', instance: id })) }]);
  commit([say.check('n1', 'disk')]);
  const fromMs = clock.now() + 1;
  for (let flip = 0; flip < flips; flip++) commit([say.status('n1', 'disk', flip % 2 === 0 ? 'critical' : 'passing')]);
  const toMs = clock.now() + 1;
  const cells = await history.strip({ namespace: 'default', service: 'web', fromMs, toMs, cells: 1 });
  mark();
  expect(cells).toEqual([{ passing: 0, other: instances, worst: 'critical' }]);
  expect(Math.max(...turns)).toBeLessThanOrEqual(unitsPerSlice / units.row + 1);
  // Each change of the node's check concerns all instances, which were found first.
  expect(turns.length * unitsPerSlice).toBeGreaterThan(instances * (units.follow + flips * units.judge));
});

test('what is being read stays as it is while later changes fill the memory of complete parts again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-history-slices-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  const { history, commit, journal } = world(50_000_000, { folder, turn: () => held });
  commit([keys(1_500, 'x')]);
  const { revision } = journal.state;
  commit([keys(1_500, 'y')]);
  const reading = history.at({ revision });
  const files = () => readdirSync(folder).length;
  // Each round completes one part, and more than one buffer would otherwise be free.
  for (let round = 1; round <= 4; round++) {
    commit(Array.from({ length: 9 }, (_, n) => say.put('large', String(n).repeat(100_000))));
    await vi.waitFor(() => expect(files()).toBeGreaterThanOrEqual(round), 10_000);
  }
  release();
  const { frozen, release: done } = await reading;
  for (let n = 0; n < 1_500; n++) expect(Buffer.from(findKv(frozen, 'default', `k-${n}`)?.value ?? []).toString()).toBe('x');
  done();
  await history.close();
});
