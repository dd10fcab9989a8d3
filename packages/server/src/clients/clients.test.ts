/** Clients of one node: who is found, what of each is listed, and which edges come of watches and picks. */

import { expect, it, test } from 'vitest';
import type { ClientPicks, ListedClient, TopologyEdge } from '@rollcall/protocol';
import { manualClock } from '../manual-clock.case.ts';
import { listedMax, type ConnectedClient } from './client.ts';
import { Clients } from './clients.ts';
import { PickBook } from './pick-book.ts';
import { charactersMax, decodeLines, encodeLines, joinLines, type ClientsQuestion, type Lines } from './question.ts';

const anything: ClientsQuestion = { namespace: 'default', limit: 1_000 };

function clientsOf(all: readonly ConnectedClient[]): Clients {
  const clients = new Clients({ clock: manualClock(), historyCharactersMax: 0, nodeName: 'n1', memberId: 'm1', describe: (accessorId) => (accessorId === 'known' ? 'the shop' : undefined) });
  clients.add(() => all);
  return clients;
}

function connected(client: string, more: Partial<ConnectedClient> = {}): ConnectedClient {
  return { key: { client }, client, namespace: 'default', via: 'stream', ...more };
}

const service = (name: string, namespace = 'default') => ({ kind: 'service' as const, namespace, name });
const instance = (name: string) => ({ namespace: 'default', service: name, node: 'n', id: `${name}-1` });
const picks = (name: string, picksPerSecond: number, failuresPerSecond = 0, more: Partial<ClientPicks> = {}): ClientPicks => ({ namespace: 'default', service: name, picksPerSecond, failuresPerSecond, ...more });
const listed = ({ lines }: Lines) => lines.map((line) => JSON.parse(line) as ListedClient);
const names = async (clients: Clients, question: Partial<ClientsQuestion>) => listed(await clients.find({ ...anything, ...question })).map(({ client }) => client);

test('a client is listed with all that is known of it, and the same id each time', async () => {
  const clients = clientsOf([
    connected('shop', { version: 'lib/1', address: '10.0.0.1', accessorId: 'known', sinceMs: 7, instances: () => [instance('shop')], watches: () => [service('orders')], picks: () => [picks('orders', 2)] }),
    connected('other', { accessorId: 'unknown' }),
  ]);
  const [shop, other] = listed(await clients.find(anything));
  expect(shop).toEqual({
    ...{ id: 'm1.1', client: 'shop', namespace: 'default', node: 'n1', via: 'stream', version: 'lib/1', address: '10.0.0.1', principal: 'the shop', sinceMs: 7 },
    ...{ instances: [instance('shop')], instanceCount: 1, watches: [service('orders')], watchCount: 1, releases: [], picks: [picks('orders', 2)] },
  });
  expect(other?.principal).toBe('unknown');
  expect(listed(await clients.find(anything)).map(({ id }) => id)).toEqual(['m1.1', 'm1.2']);
});

test.each<[string, Partial<ClientsQuestion>, readonly string[]]>([
  ['all of a namespace, also those that only watch something there', {}, ['shop', 'bills', 'picker']],
  ['those of another', { namespace: 'blue' }, ['blue', 'bills']],
  ['those that use a service', { service: 'orders' }, ['shop', 'picker']],
  ['those that follow a configuration', { config: 'shop/main' }, ['bills']],
  ['those with a text in their words', { text: 'lib/2' }, ['bills']],
  ['up to the limit', { limit: 1 }, ['shop']],
])('%s are found', async (_, question, expected) => {
  const clients = clientsOf([
    connected('shop', { watches: () => [service('orders')] }),
    connected('blue', { namespace: 'blue' }),
    connected('bills', { version: 'Lib/2', watches: () => [service('orders', 'blue'), { kind: 'config', namespace: 'default', name: 'shop/main' }] }),
    connected('picker', { picks: () => [picks('orders', 1)] }),
  ]);
  expect(await names(clients, question)).toEqual(expected);
});

it('counts watches beyond those that it lists, and clients beyond the limit', async () => {
  const many = Array.from({ length: listedMax + 5 }, (_, at) => service(`s${at}`));
  const clients = clientsOf([connected('one', { watches: () => many }), connected('two')]);
  const { lines, count } = await clients.find({ ...anything, limit: 1 });
  expect([lines.length, count]).toEqual([1, 2]);
  expect(listed({ lines, count, missing: [] })[0]).toMatchObject({ watchCount: listedMax + 5, watches: { length: listedMax } });
});

it('answers other requests while it searches clients with many watches', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) => service(`s${at}`));
  const clients = clientsOf(Array.from({ length: 300 }, (_, at) => connected(`c${at}`, { watches: () => many })));
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  expect((await clients.find({ ...anything, service: 'none' })).count).toBe(0);
  isOver = true;
  expect(turns).toBeGreaterThan(10);
});

test('an answer is limited in characters, also that of several nodes', async () => {
  const long = 'x'.repeat(10_000);
  const clients = clientsOf(Array.from({ length: 600 }, () => connected(long)));
  const found = await clients.find(anything);
  expect(found.count).toBe(600);
  expect(found.lines.join('\n').length).toBeLessThanOrEqual(charactersMax);
  const joined = joinLines([found, found]);
  expect([joined.count, joined.lines.join('\n').length <= charactersMax]).toEqual([1_200, true]);
  expect(decodeLines(encodeLines(joined))).toEqual(joined);
});

test('an answer without clients survives the way between nodes', () => {
  const none: Lines = { lines: [], count: 0, missing: ['n2'] };
  expect(decodeLines(encodeLines(none))).toEqual(none);
});

test('edges begin at the services of a client or at its name, and add up', async () => {
  const clients = clientsOf([
    connected('a', { instances: () => [instance('shop')], watches: () => [service('orders'), service('orders')], picks: () => [picks('orders', 4, 1, { meanMs: 10, p99Ms: 30 })] }),
    connected('b', { instances: () => [instance('shop')], watches: () => [service('orders')], picks: () => [picks('orders', 12, 0, { meanMs: 2, p99Ms: 90 })] }),
    connected('script', { watches: () => [{ kind: 'key', namespace: 'default', name: 'orders' }], picks: () => [picks('stock', 1)] }),
    connected('both', { instances: () => [instance('x'), instance('y')], picks: () => [picks('stock', 3)] }),
  ]);
  const edges = (await clients.topology('default')).lines.map((line) => JSON.parse(line) as TopologyEdge);
  const place = { fromNamespace: 'default', toNamespace: 'default' };
  expect(edges).toEqual([
    { fromKind: 'service', from: 'shop', to: 'orders', ...place, watches: 2, picksPerSecond: 16, failuresPerSecond: 1, meanMs: 4, p99Ms: 90 },
    { fromKind: 'client', from: 'script', to: 'stock', ...place, watches: 0, picksPerSecond: 1, failuresPerSecond: 0 },
    { fromKind: 'service', from: 'x', to: 'stock', ...place, watches: 0, picksPerSecond: 1.5, failuresPerSecond: 0 },
    { fromKind: 'service', from: 'y', to: 'stock', ...place, watches: 0, picksPerSecond: 1.5, failuresPerSecond: 0 },
  ]);
  expect((await clients.topology('blue')).lines).toEqual([]);
});

test('a report counts for two intervals, and the next one of a service replaces it', () => {
  let nowMs = 0;
  const book = new PickBook(() => nowMs);
  const report = (of: string, count: number, failures = 0) => ({ namespace: 'default', service: of, picks: count, failures });
  book.hear([report('orders', 20, 5), report('stock', 10)], 10_000);
  expect([...book.picks()]).toEqual([picks('orders', 2, 0.5), picks('stock', 1)]);
  nowMs = 10_000;
  book.hear([{ ...report('orders', 1), meanMs: 3, p99Ms: 9 }], 10_000);
  nowMs = 20_001;
  expect([...book.picks()]).toEqual([picks('orders', 0.1, 0, { meanMs: 3, p99Ms: 9 })]);
  nowMs = 30_001;
  expect([...book.picks()]).toEqual([]);
});
