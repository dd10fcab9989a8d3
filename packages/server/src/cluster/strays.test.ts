/**
 * Strays are sent to the owner in batches, once more if the owner has changed, and this node claims a deadline when that is
 * better.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { turns } from '../health/liveness.case.ts';
import { manualClock } from '../manual-clock.case.ts';
import type { Member } from '../registry/kind/member/rows.ts';
import { beatsMax, type BeatAnswer, type BeatBatch } from './channel/beat-body.ts';
import { Strays, streakMax, streaksMax, waitingMax } from './strays.ts';

const member = (nodeId: string, epoch = 1): Member => ({ nodeId, name: nodeId, address: '', version: '', epoch });

let clock: ReturnType<typeof manualClock>;
let owners: Map<string, Member>;
let sent: { to: string; batch: BeatBatch }[];
let claimed: string[][];
let counts: Record<string, number>;
/** The answer of each node to a beat. */
let answer: (to: string, key: string) => Promise<BeatAnswer> | BeatAnswer;
let strays: Strays;

beforeEach(() => {
  clock = manualClock();
  owners = new Map();
  sent = [];
  claimed = [];
  counts = {};
  answer = () => ({ kind: 'taken' });
  strays = new Strays({
    nodeId: 'self',
    clock,
    ownerOf: (key) => owners.get(key) ?? member('owner'),
    async send(to, batch) {
      sent.push({ to: to.nodeId, batch });
      return Promise.all(batch.beats.map(async ({ key }) => answer(to.nodeId, key)));
    },
    claim: async (keys) => claimed.push([...keys]),
    count: (outcome, beats) => (counts[outcome] = (counts[outcome] ?? 0) + beats),
  });
});

const take = (key: string, more: { status?: 'passing' | 'warning'; connection?: object } = {}) =>
  strays.take({ key, status: 'passing', output: '', principal: 'p', connection: undefined, ...more });

const pass = async (ms: number) => {
  clock.advance(ms);
  await turns();
};

describe('a stray', () => {
  it('waits 5 ms for others, and goes with them to the owner, with its epoch', async () => {
    owners.set('a', member('owner', 7)).set('b', member('owner', 7)).set('c', member('third', 3));
    for (const key of ['a', 'b', 'c']) take(key);
    await pass(4);
    expect(sent).toEqual([]);
    await pass(1);
    expect(sent.map(({ to, batch }) => [to, batch.epoch, batch.beats.map(({ key }) => key)])).toEqual([['owner', 7, ['a', 'b']], ['third', 3, ['c']]]);
    expect(counts).toEqual({ forwarded: 3, dropped: 0 });
  });

  it('does not wait once there are 512', async () => {
    for (let at = 0; at < beatsMax; at++) take(`k${at}`);
    await turns();
    expect(sent.map(({ batch }) => batch.beats.length)).toEqual([beatsMax]);
  });

  it('of the same deadline replaces the one that waits', async () => {
    take('a', { status: 'passing' });
    take('a', { status: 'warning' });
    await pass(5);
    expect(sent[0]?.batch.beats).toMatchObject([{ key: 'a', status: 'warning' }]);
  });

  it('waits while a batch is on its way, so that one owner gets one batch at a time', async () => {
    let release = () => {};
    answer = () => new Promise((resolve) => (release = () => resolve({ kind: 'taken' })));
    take('a');
    await pass(5);
    take('b');
    await pass(50);
    expect(sent).toHaveLength(1);
    release();
    await turns();
    expect(sent[1]?.batch.beats).toMatchObject([{ key: 'b' }]);
  });

  it('is dropped when too many wait, and counted', async () => {
    answer = () => new Promise(() => {});
    take('first');
    await pass(5);
    for (let at = 0; at < waitingMax + 10; at++) take(`k${at}`);
    expect(counts).toMatchObject({ dropped: 10 });
  });

  it('is sent once more after "moved", and not a second time', async () => {
    answer = (to) => (to === 'owner' ? { kind: 'moved', to: 'third' } : { kind: 'moved', to: 'owner' });
    owners.set('a', member('owner'));
    take('a');
    await pass(5);
    // Meanwhile the log names the same owner as the answer.
    owners.set('a', member('third'));
    await pass(5);
    await pass(50);
    expect(sent.map(({ to }) => to)).toEqual(['owner', 'third']);
    expect(counts).toMatchObject({ moved: 1, dropped: 1 });
  });

  it('is not sent when the log has meanwhile made this node its owner', async () => {
    owners.set('a', member('self'));
    take('a');
    await pass(10);
    expect(sent).toEqual([]);
  });

  it('of a deadline that no longer exists is counted and forgotten', async () => {
    answer = () => ({ kind: 'absent' });
    take('a');
    await pass(5);
    expect(counts).toMatchObject({ dropped: 1 });
  });
});

describe('a claim', () => {
  it('is made at the third beat in a row on one connection', async () => {
    const connection = {};
    for (let beat = 1; beat <= streakMax; beat++) {
      expect(claimed).toEqual([]);
      take('a', { connection });
      await pass(1_000);
    }
    expect(claimed).toEqual([['a']]);
    // The owner gets all of them, since the claim may fail.
    expect(counts).toMatchObject({ claimed: 1, forwarded: streakMax });
  });

  it('is made for every deadline, also when more of them begin to beat here than are counted at once', async () => {
    const connection = {};
    const keys = Array.from({ length: streaksMax + 30_000 }, (_, at) => `k${at}`);
    for (let round = 0; round < 2 * streakMax; round++) {
      for (const [at, key] of keys.entries()) {
        take(key, { connection });
        if (at % 10_000 === 0) await pass(5);
      }
      await pass(10_000);
    }
    expect(new Set(claimed.flat()).size).toBe(keys.length);
  });

  it('can be made for a new deadline when others have had no beat for two minutes', async () => {
    for (let at = 0; at < streaksMax; at++) take(`idle${at}`, { connection: {} });
    const connection = {};
    for (let beat = 0; beat < streakMax; beat++) take('a', { connection });
    await pass(120_000);
    expect(claimed.flat()).not.toContain('a');
    for (let beat = 0; beat < streakMax; beat++) take('a', { connection });
    await pass(5);
    expect(claimed.flat()).toContain('a');
  });

  it('is not made while connections change or are unknown', async () => {
    const connections = [{}, {}];
    for (let beat = 0; beat < 10; beat++) {
      take('a', { connection: connections[beat % 2] as object });
      take('b');
      await pass(1_000);
    }
    expect(claimed).toEqual([]);
  });

  it('is made at once when the owner cannot be reached', async () => {
    answer = () => Promise.reject(new Error('connection refused'));
    take('a');
    take('b');
    await pass(5);
    await pass(5);
    expect(claimed).toEqual([['a', 'b']]);
  });

  it('is made when the owner has not answered for a second', async () => {
    answer = () => new Promise(() => {});
    take('a');
    await pass(5);
    await pass(999);
    expect(claimed).toEqual([]);
    await pass(1);
    await pass(5);
    expect(claimed).toEqual([['a']]);
  });

  it('of many deadlines is split into commands of 512', async () => {
    answer = () => Promise.reject(new Error('connection refused'));
    for (let at = 0; at < 2 * beatsMax; at++) take(`k${at}`);
    await turns();
    await pass(5);
    await pass(5);
    expect(claimed.map(({ length }) => length)).toEqual([beatsMax, beatsMax]);
  });
});

it('is never made after closing', async () => {
  take('a');
  strays.close();
  take('b');
  await pass(100);
  expect(sent).toEqual([]);
});
