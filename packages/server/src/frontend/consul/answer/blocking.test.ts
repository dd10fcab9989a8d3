/** Blocking queries: when they wait, when the wait ends, and its cost for others. */

import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { Wheel } from '../../../health/wheel.ts';
import { manualClock, type ManualClock } from '../../../manual-clock.case.ts';
import { keyView } from '../../../registry/kind/kv/views.ts';
import { Replica } from '../../../replica.ts';
import { openSecurity } from '../../../security/open-security.case.ts';
import { Consul } from '../consul.case.ts';
import { Parking, type ParkingOptions } from './blocking.ts';
import { Plan } from './plan.ts';

describe('over HTTP', () => {
  let consul: Consul | undefined;
  afterEach(async () => consul?.[Symbol.asyncDispose]());

  async function start(options: Parameters<typeof Consul.start>[0] = {}): Promise<Consul> {
    consul = await Consul.start(options);
    return consul;
  }

  const register = (to: Consul, name: string, port = 1, more = {}) =>
    to.put('/v1/agent/service/register', { Name: name, Port: port, ...more });

  test('without an index nothing waits, with or without `wait`', async () => {
    const server = await start({ clock: manualClock() });
    expect((await server.get('/v1/catalog/services?wait=600s')).status).toBe(200);
    expect((await server.get('/v1/catalog/services?index=0&wait=600s')).status).toBe(200);
  });

  test('a query for checks in a state wakes when the tags of a service change, which the checks show', async () => {
    const server = await start();
    const Check = { TTL: '60s', Status: 'passing' };
    await register(server, 'web', 1, { Tags: ['v1'], Check });
    const { index } = await server.get('/v1/health/state/passing');
    const waiting = server.get(`/v1/health/state/passing?index=${index}&wait=60s`);
    await server.untilParked(1);
    await register(server, 'web', 1, { Tags: ['v2'], Check });
    expect((await waiting).text).toContain('"ServiceTags":["v2"]');
  });

  test('a query with an older index is answered at once', async () => {
    const server = await start();
    await register(server, 'web');
    const { index } = await server.get('/v1/health/service/web');
    expect((await server.get(`/v1/health/service/web?index=${index - 1}`)).index).toBe(index);
  });

  test('a change is answered with the new index and content', async () => {
    const server = await start();
    await register(server, 'web');
    const { index } = await server.get('/v1/health/service/web');
    const waiting = server.get(`/v1/health/service/web?index=${index}&wait=300s`);
    await server.untilParked(1);
    await register(server, 'web', 2);
    const answer = await waiting;
    expect(answer.index).toBeGreaterThan(index);
    expect(answer.json<{ Service: { Port: number } }[]>()[0]?.Service.Port).toBe(2);
    expect(await server.parked()).toBe(0);
  });

  test('a change of another service wakes no query; a query may wait for a service that does not exist', async () => {
    const server = await start();
    const { index } = await server.get('/v1/health/service/later');
    const waiting = server.get(`/v1/health/service/later?index=${index}&wait=300s`);
    await server.untilParked(1);
    const { wakeUps } = server.server.registry.views;
    for (let port = 1; port <= 10; port++) await register(server, 'other', port);
    expect(await server.parked()).toBe(1);
    expect(server.server.registry.views.wakeUps).toBe(wakeUps);
    await register(server, 'later');
    expect((await waiting).json()).toHaveLength(1);
  });

  test('a timeout is answered with 200, the same index and the whole content', async () => {
    const clock = manualClock();
    const server = await start({ clock });
    await register(server, 'web');
    const { index } = await server.get('/v1/health/service/web');
    const waiting = server.get(`/v1/health/service/web?index=${index}&wait=10s`);
    await server.untilParked(1);
    clock.advance(9_990);
    expect(await server.parked()).toBe(1);
    clock.advance(700);
    const answer = await waiting;
    expect([answer.status, answer.index]).toEqual([200, index]);
    expect(answer.json()).toHaveLength(1);
  });

  test('a query with an index of the future waits its whole time, and gets the present one', async () => {
    const clock = manualClock();
    const server = await start({ clock });
    for (const [ahead, name] of [['99999999', 'web'], ['18446744073709551615', 'api']] as const) {
      const waiting = server.get(`/v1/catalog/services?index=${ahead}&wait=10s`);
      await server.untilParked(1);
      await register(server, name);
      expect(await server.parked()).toBe(1);
      clock.advance(10_700);
      expect((await waiting).index).toBeLessThan(Number(ahead));
    }
  });

  test.each([
    ['/v1/kv/k', (to: Consul) => to.put('/v1/kv/k', '1')],
    ['/v1/kv/p/?recurse', (to: Consul) => to.put('/v1/kv/p/x', '1')],
    ['/v1/kv/p/?keys', (to: Consul) => to.put('/v1/kv/p/x', '1')],
    ['/v1/catalog/nodes', (to: Consul) => to.put('/v1/catalog/register', { Node: 'n', Address: 'a' })],
    ['/v1/catalog/node/n', (to: Consul) => to.put('/v1/catalog/register', { Node: 'n', Address: 'a' })],
    ['/v1/catalog/services', (to: Consul) => register(to, 'web')],
    ['/v1/catalog/service/web', (to: Consul) => register(to, 'web')],
    ['/v1/health/checks/web', (to: Consul) => register(to, 'web', 1, { Check: { TTL: '9s' } })],
    ['/v1/health/state/any', (to: Consul) => to.put('/v1/agent/check/register', { Name: 'c', TTL: '9s' })],
    ['/v1/health/node/server-1', (to: Consul) => to.put('/v1/agent/check/register', { Name: 'c', TTL: '9s' })],
    ['/v1/session/list', (to: Consul) => to.put('/v1/session/create', {})],
    ['/v1/session/node/server-1', (to: Consul) => to.put('/v1/session/create', {})],
  ])('%s waits, and wakes', async (path, change) => {
    const server = await start();
    const { index, text } = await server.get(path);
    const waiting = server.get(`${path}${path.includes('?') ? '&' : '?'}index=${index}`);
    await server.untilParked(1);
    await change(server);
    const answer = await waiting;
    expect(answer.index).toBeGreaterThan(index);
    expect(answer.text).not.toBe(text);
  });

  test('services of selected nodes wake for those nodes, also for nodes that become selected', async () => {
    const server = await start();
    const node = (name: string, zone: string, service?: string) =>
      server.put('/v1/catalog/register', {
        Node: name,
        Address: 'a',
        NodeMeta: { zone },
        ...(service === undefined ? {} : { Service: { Service: service } }),
      });
    await node('in', 'a');
    await node('out', 'b', 'web');
    const path = '/v1/catalog/services?node-meta=zone:a';
    let { index } = await server.get(path);
    const next = async (change: () => Promise<unknown>) => {
      const waiting = server.get(`${path}&index=${index}`);
      await server.untilParked(1);
      await change();
      const answer = await waiting;
      expect(answer.index).toBeGreaterThan(index);
      ({ index } = answer);
      return answer.json();
    };
    expect(await next(() => node('in', 'a', 'api'))).toEqual({ api: [] });
    expect(await next(() => node('out', 'a', 'web'))).toEqual({ api: [], web: [] });
    const again = server.get(`${path}&index=${index}`);
    await server.untilParked(1);
    await register(server, 'elsewhere');
    expect(await server.parked()).toBe(1);
    await server.put('/v1/catalog/register', { Node: 'out', SkipNodeUpdate: true, Service: { Service: 'late' } });
    expect((await again).json()).toEqual({ api: [], late: [], web: [] });
  });

  test('a client that disconnects frees its place at once', async () => {
    const server = await start();
    const { index } = await server.get('/v1/catalog/services');
    const gone = new AbortController();
    const waiting = server.get(`/v1/catalog/services?index=${index}`, { signal: gone.signal });
    await server.untilParked(1);
    gone.abort();
    await expect(waiting).rejects.toThrow();
    await server.untilParked(0);
    expect(server.server.registry.views.watching).toBe(0);
  });

  test('a query beyond the limit is refused with a 500, and the others keep waiting', async () => {
    const server = await start({ limits: { parkedMax: 2 } });
    const { index } = await server.get('/v1/catalog/services');
    const path = `/v1/catalog/services?index=${index}`;
    const waiting = [server.get(path), server.get(path)];
    await server.untilParked(2);
    const refused = await server.get(path);
    expect(refused.status).toBe(500);
    expect(refused.text).toBe('2 blocking queries wait, which is the limit; try again later');
    await register(server, 'web');
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
  });

  test.each([
    ['index=x', 'Invalid index'],
    ['index=-1', 'Invalid index'],
    ['index=1&wait=5', 'Invalid wait time'],
    ['wait=-5s', 'Invalid wait time'],
    ['index=1&wait=forever', 'Invalid wait time'],
  ])('?%s is refused', async (query, text) => {
    const server = await start();
    const answer = await server.get(`/v1/catalog/services?${query}`);
    expect([answer.status, answer.text]).toEqual([400, text]);
  });

  test('a consistent query waits, too', async () => {
    const server = await start();
    const { index } = await server.get('/v1/kv/k?consistent');
    const waiting = server.get(`/v1/kv/k?consistent&index=${index}`);
    await server.untilParked(1);
    await server.put('/v1/kv/k', '1');
    expect((await waiting).status).toBe(200);
  });
});

test('a client that closes its side while it waits gets the present answer at once', async () => {
  await using consul = await Consul.start();
  await consul.put('/v1/kv/color', 'blue');
  const { index } = await consul.get('/v1/kv/color');
  const { hostname, port } = new URL(consul.server.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  const ended = new Promise((resolve) => socket.on('end', resolve));
  // Two in a row: the second one waits behind the first.
  for (const key of ['color', 'other']) socket.write(`GET /v1/kv/${key}?index=${index}&wait=600s HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await consul.untilParked(2);
  socket.end();
  await ended;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  expect(await consul.parked()).toBe(0);
});

describe('Parking', () => {
  /** What Parking needs of a response. */
  class Response extends EventEmitter {
    answered = 0;
    readonly req = { socket: new EventEmitter() };
  }

  interface Lot {
    readonly clock: ManualClock;
    readonly replica: Replica;
    readonly parking: Parking;
    readonly turns: number[];
    readonly plan: Plan;
    /** Of which no change makes another body. */
    readonly filtered: Plan;
    readonly park: (index: number, waitMs?: number, plan?: Plan) => Response;
    /** How often bodies of the filtered plan were made, to be compared. */
    readonly compared: () => number;
  }

  async function lot(random = 0.5, digest?: ParkingOptions['digest']): Promise<Lot> {
    const clock = manualClock();
    const replica = new Replica({ engine: memory(), clock, onFatal: () => {} });
    await replica.start();
    const turns: number[] = [];
    let compared = 0;
    let turn = 0;
    const { acl } = openSecurity(replica, clock);
    const caller = acl.resolve(undefined);
    const parking = new Parking({
      acl,
      authorize: () => {},
      refuse: () => {},
      digest:
        digest ??
        ((_response, of, _caller, ready) => {
          compared++;
          ready('the same', of.revision(replica));
        }),
      spent: () => false,
      registry: replica,
      wheel: new Wheel({ clock, onError: () => {} }),
      parkedMax: 10_000,
      random: () => random,
      onSize: () => {},
      answer: (response) => {
        (response as unknown as Response).answered++;
        turns.push(turn);
        setImmediate(() => turn++);
      },
    });
    open = parking;
    const query = { view: keyView('default', 'k'), name: 'test', shows: [], encode: () => Buffer.alloc(0) };
    const route = { path: '/test', access: { kind: 'open', why: 'a test' } } as const;
    const plan = new Plan(query, 'default', 'leader', route);
    const filtered = new Plan({ ...query, filtered: true }, 'default', 'leader', route);
    const park = (index: number, waitMs = 10_000, of = plan) => {
      const response = new Response();
      parking.park(response as unknown as ServerResponse, of, { index, waitMs }, caller);
      return response;
    };
    return { clock, replica, parking, turns, plan, filtered, park, compared: () => compared };
  }

  /** Queries that still wait would go on comparing bodies. */
  let open: Parking | undefined;
  afterEach(() => {
    open?.flush();
    open = undefined;
  });

  const put = ({ replica }: Lot, value: string) =>
    replica.submit({ kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from(value), flags: 0n });

  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test('adds up to a sixteenth of the time, so that clients spread out', async () => {
    for (const [random, lastMs] of [[0, 16_000], [0.5, 16_500], [0.999, 16_999]] as const) {
      const { clock, park } = await lot(random);
      const response = park(1, 16_000);
      clock.advance(lastMs - 20);
      expect(response.answered).toBe(0);
      clock.advance(40);
      expect(response.answered).toBe(1);
    }
  });

  test('uses one watch for all queries of a view, until the last of them ends', async () => {
    const parked = await lot();
    const responses = Array.from({ length: 100 }, () => parked.park(1));
    expect(parked.replica.views.watching).toBe(1);
    expect(parked.parking.size).toBe(100);
    for (const response of responses) response.emit('close');
    expect(parked.replica.views.watching).toBe(0);
    expect(parked.parking.size).toBe(0);
    await put(parked, '1');
    await turn();
    expect(parked.turns).toEqual([]);
  });

  test('answers many queries in slices, each exactly once, with turns of the event loop between', async () => {
    const parked = await lot();
    const responses = Array.from({ length: 1_000 }, () => parked.park(0));
    await put(parked, '1');
    while (parked.parking.size > 0) await turn();
    expect(responses.every(({ answered }) => answered === 1)).toBe(true);
    expect(new Set(parked.turns).size).toBeGreaterThanOrEqual(4);
    parked.clock.advance(60_000);
    expect(responses.every(({ answered }) => answered === 1)).toBe(true);
  });

  test('compares an unchanged filtered body once for each change, and keeps the other queries waiting', async () => {
    const parked = await lot();
    const filtered = Array.from({ length: 600 }, () => parked.park(0, 10_000, parked.filtered));
    const other = parked.park(0);
    await put(parked, '1');
    for (let at = 0; at < 10; at++) await turn();
    expect(parked.compared(), 'comparisons: one for each query when it comes, and one at the change').toBe(2 * 600);
    expect(other.answered).toBe(1);
    expect(filtered.every(({ answered }) => answered === 0)).toBe(true);
    await put(parked, '2');
    for (let at = 0; at < 10; at++) await turn();
    expect(parked.compared(), 'comparisons: one more for each query at the second change').toBe(3 * 600);
  });

  test('compares a filtered body again that changed while the one before it was compared', async () => {
    /** Digests that were asked for and not given yet. */
    const asked: ((digest: string, revision: number) => void)[] = [];
    const parked = await lot(0.5, (_response, _of, _caller, ready) => void asked.push(ready));
    const response = parked.park(0, 10_000, parked.filtered);
    asked.shift()?.('a', 0);
    await put(parked, '1');
    await turn();
    expect(asked).toHaveLength(1);
    const first = parked.filtered.revision(parked.replica);
    await put(parked, '2');
    await turn();
    // The body of the first change is the one that the client knows; that of the second is not.
    asked.shift()?.('a', first);
    await turn();
    expect([response.answered, asked.length]).toEqual([0, 1]);
    asked.shift()?.('b', parked.filtered.revision(parked.replica));
    await turn();
    expect(response.answered).toBe(1);
  });

  test('answers only queries with an older index; the others see the next change', async () => {
    const parked = await lot();
    await put(parked, '1');
    const revision = parked.plan.revision(parked.replica);
    const [behind, ahead] = [parked.park(revision), parked.park(revision + 1)];
    await put(parked, '2');
    await turn();
    await turn();
    expect([behind.answered, ahead.answered]).toEqual([1, 0]);
    await put(parked, '3');
    await turn();
    await turn();
    expect(ahead.answered).toBe(1);
  });

  test('flush answers every query now', async () => {
    const parked = await lot();
    const responses = Array.from({ length: 600 }, () => parked.park(5));
    parked.parking.flush();
    expect(responses.every(({ answered }) => answered === 1)).toBe(true);
    expect(parked.parking.size).toBe(0);
  });
});
