/** Clients and edges of past times: what a node remembers, from when on, and what it forgets. */

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ClientPicks, ListedClient, TopologyEdge } from '@rollcall/protocol';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import type { ConnectedClient } from './client.ts';
import { ClientHistory } from './client-history.ts';
import { OwnClients } from './own-clients.ts';
import type { ClientsQuestion, PastLines } from './question.ts';
import { Spans } from './spans.ts';

const anything: ClientsQuestion = { namespace: 'default', limit: 1_000 };
const service = (name: string) => ({ kind: 'service' as const, namespace: 'default', name });
const picks = (name: string, picksPerSecond: number): ClientPicks => ({ namespace: 'default', service: name, picksPerSecond, failuresPerSecond: 0 });

let clock: ManualClock;
let connected: ConnectedClient[];
let history: ClientHistory;

function begin(charactersMax = 1_000_000): void {
  clock = manualClock();
  connected = [];
  const own = new OwnClients({ nodeName: 'n1', memberId: 'm1', describe: () => undefined });
  own.add(() => connected);
  history = new ClientHistory({ own, nodeName: 'n1', clock, charactersMax });
  history.start();
}
beforeEach(() => begin());

/** Until the next look, and its end. */
async function pass(): Promise<void> {
  clock.advance(10_000);
  await new Promise((turn) => setImmediate(turn));
}

const client = (name: string, more: Partial<ConnectedClient> = {}): ConnectedClient => ({ key: { name }, client: name, namespace: 'default', via: 'stream', ...more });
const listed = ({ lines }: PastLines) => lines.map((line) => JSON.parse(line) as ListedClient);
const names = async (atMs: number, question: Partial<ClientsQuestion> = {}) => listed(await history.find({ ...anything, ...question }, atMs)).map((each) => each.client);
const edges = async (atMs: number) => (await history.topology('default', atMs)).lines.map((line) => JSON.parse(line) as TopologyEdge);

describe('clients of a past time', () => {
  test('are those that were connected then, with what they watched, and found by the same questions', async () => {
    const beginMs = clock.now();
    const shop = client('shop', { watches: () => [service('orders')] });
    connected = [shop];
    await pass();
    const alone = clock.now();
    connected = [shop, client('bills', { version: 'lib/2' })];
    await pass();
    const both = clock.now();
    connected = connected.slice(1);
    await pass();
    expect([await names(beginMs), await names(alone), await names(both), await names(clock.now())]).toEqual([[], ['shop'], ['shop', 'bills'], ['bills']]);
    expect([await names(both, { service: 'orders' }), await names(both, { text: 'lib/2' }), await names(both, { namespace: 'blue' }), await names(both, { limit: 1 })]).toEqual([['shop'], ['bills'], [], ['shop']]);
    expect((await history.find({ ...anything, limit: 1 }, both)).count).toBe(2);
  });

  test('have changed their watches between two looks, and keep their id', async () => {
    let watched = 'orders';
    connected = [client('shop', { watches: () => [service(watched)] })];
    await pass();
    const first = clock.now();
    watched = 'bills';
    await pass();
    const [then, now] = [listed(await history.find(anything, first))[0], listed(await history.find(anything, clock.now()))[0]];
    expect([then?.watches, now?.watches, then?.id === now?.id]).toEqual([[service('orders')], [service('bills')], true]);
  });

  test('begin when they connected, not at the look that found them, and not before the look that did not', async () => {
    await pass();
    connected = [client('timely', { sinceMs: clock.now() + 4_000 }), client('moved', { sinceMs: clock.now() - 60_000 })];
    const looked = clock.now();
    await pass();
    expect([await names(looked - 1), await names(looked), await names(looked + 4_000)]).toEqual([[], ['moved'], ['timely', 'moved']]);
  });

  test('have no rates: those are in the edges, a minute each and with two digits', async () => {
    let rate = 12.34;
    connected = [client('shop', { picks: () => [picks('orders', rate)] })];
    await pass();
    const first = clock.now();
    rate = 50;
    await pass();
    expect(listed(await history.find(anything, clock.now()))[0]?.picks).toEqual([]);
    expect(await edges(clock.now())).toMatchObject([{ from: 'shop', to: 'orders', picksPerSecond: 12 }]);
    for (let look = 0; look < 6; look++) await pass();
    expect((await edges(clock.now()))[0]?.picksPerSecond).toBe(50);
    expect((await edges(first))[0]?.picksPerSecond).toBe(12);
    connected = [];
    for (let look = 0; look < 7; look++) await pass();
    expect(await edges(clock.now())).toEqual([]);
  });

  test('are not known before the process began, nor what was forgotten: the answer says since when', async () => {
    const beginMs = clock.now();
    expect(await history.find(anything, beginMs - 1)).toEqual({ lines: [], count: 0, missing: [], knew: 0, unknown: [{ node: 'n1', sinceMs: beginMs }] });
    begin(2_000);
    const restarted = clock.now();
    for (let at = 0; at < 20; at++) {
      connected = [client(`client-${at}`)];
      await pass();
    }
    const { unknown } = await history.find(anything, restarted);
    expect(unknown).toEqual([{ node: 'n1', sinceMs: expect.any(Number) as number }]);
    expect(unknown[0]?.sinceMs).toBeGreaterThan(restarted + 50_000);
    expect(await names(unknown[0]?.sinceMs ?? 0)).toHaveLength(1);
    expect(await names(clock.now())).toEqual(['client-19']);
  });

  test('beyond the room are counted', async () => {
    begin(4_000);
    connected = Array.from({ length: 100 }, (_, at) => client(`client-${at}`));
    await pass();
    const { lines, count } = await history.find(anything, clock.now());
    expect(count).toBe(100);
    expect(lines.length).toBeLessThan(20);
  });
});

test('spans have at each time that is known what a naive model has', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.constantFrom('1', '22', '333'), { nil: undefined }), waitMs: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 100, max: 2_000 }), (steps, charactersMax) => {
      const spans = new Spans(0, charactersMax);
      const now = new Map<string, string>();
      const then: string[][] = [[]];
      let nowMs = 0;
      for (const { key, value, waitMs } of steps) {
        for (let ms = 0; ms < waitMs; ms++) then[++nowMs] = [...now.values()];
        if (value === undefined) spans.end(key, nowMs);
        else spans.set(key, value, nowMs);
        if (value === undefined) now.delete(key);
        else now.set(key, value);
        then[nowMs] = [...now.values()];
      }
      for (let atMs = spans.sinceMs; atMs <= nowMs; atMs++) expect([...spans.at(atMs)].filter((value) => value !== undefined).toSorted()).toEqual(then[atMs]?.toSorted());
      const lasting = [...now.values()].reduce((sum, value) => sum + value.length + 64, 0);
      expect(spans.characters).toBeLessThanOrEqual(Math.max(charactersMax, lasting));
    }),
  );
});
