import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Instance } from '@rollcall/protocol';
import { createServer, type Server } from '@rollcall/server';
import { connect, type ConnectOptions, type ConnectionEvent, type Rollcall } from './index.ts';

let server: Server;
let clients: Rollcall[] = [];
let events: ConnectionEvent[] = [];

beforeEach(async () => {
  server = await createServer({ nodeName: 'here' });
  events = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await server.close();
});

async function client(options: ConnectOptions = {}): Promise<Rollcall> {
  const rollcall = await connect({ servers: [server.url], onEvent: (event) => events.push(event), ...options });
  clients.push(rollcall);
  return rollcall;
}

/** The next list that fits. */
async function list(
  rollcall: Rollcall,
  service: string,
  fits: (statuses: Record<string, string>, instances: readonly Instance[]) => boolean,
) {
  for await (const { instances } of rollcall.service(service).watch()) {
    const statuses = Object.fromEntries(instances.map(({ id, status }) => [id, status]));
    if (fits(statuses, instances)) return instances;
  }
  throw new Error('the client was closed');
}

describe('a registration', () => {
  it('is found by another client, with its changes, until it is closed', async () => {
    const [one, other] = [await client(), await client({ name: 'other' })];
    const registration = await one.register({ service: 'web', port: 8080, tags: ['a'], meta: { v: '1' }, weight: 3 });
    expect(registration.id).toMatch(/^web-[0-9a-f]{8}$/);
    expect(await other.service('web').instances()).toEqual([
      {
        ...{ id: registration.id, service: 'web', node: 'here', address: '127.0.0.1', port: 8080 },
        ...{ tags: ['a'], meta: { v: '1' }, weight: 3, status: 'passing' },
      },
    ]);
    await registration.update({ tags: ['b'], meta: {} });
    const updated = await list(other, 'web', (_statuses, [instance]) => instance?.tags[0] === 'b');
    expect(updated).toMatchObject([{ tags: ['b'], meta: {}, weight: 3, port: 8080 }]);
    await registration.drain();
    await list(other, 'web', (statuses) => statuses[registration.id] === 'draining');
    await registration.update({});
    await list(other, 'web', (statuses) => statuses[registration.id] === 'passing');
    await registration.close();
    expect(await list(other, 'web', (statuses) => Object.keys(statuses).length === 0)).toEqual([]);
    await registration.close();
    await expect(registration.update({ port: 1 })).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('shows its zone, its ports and its status', async () => {
    const [one, other] = [await client(), await client()];
    const place = { scheme: 'https', ports: { admin: { port: 9, scheme: 'http' } }, zone: 'a', region: 'r', cluster: 'c' };
    const registration = await one.register({ service: 'web', id: 'i', port: 443, ...place, weight: 0.5, status: 'starting' });
    const [shown] = await list(other, 'web', (statuses) => statuses['i'] === 'starting');
    expect(shown).toMatchObject({ ...place, weight: 0.5 });
    await registration.update({ port: 444 });
    await list(other, 'web', (statuses, [instance]) => instance?.port === 444 && statuses['i'] === 'starting');
    await registration.update({ status: 'up' });
    await list(other, 'web', (statuses) => statuses['i'] === 'passing');
    await registration.update({ enabled: false });
    await list(other, 'web', (statuses) => statuses['i'] === 'maintenance');
    await registration.update({ enabled: true });
    await list(other, 'web', (statuses) => statuses['i'] === 'passing');
  });

  it('that is persistent outlives its client, and a later client drains and removes it', async () => {
    const [one, other] = [await client(), await client()];
    await one.register({ service: 'web', id: 'stays', persistent: true });
    await one.register({ service: 'web', id: 'goes' });
    await one.close();
    expect(await list(other, 'web', (statuses) => !('goes' in statuses))).toMatchObject([{ id: 'stays', status: 'passing' }]);
    const again = await other.register({ service: 'web', id: 'stays', persistent: true });
    await again.drain();
    await list(other, 'web', (statuses) => statuses['stays'] === 'draining');
    await again.close();
    expect(await list(other, 'web', (statuses) => Object.keys(statuses).length === 0)).toEqual([]);
  });

  it('is removed at the end of its block, or with the client', async () => {
    const [one, other] = [await client(), await client()];
    {
      await using first = await one.register({ service: 'web', id: 'first' });
      await one.register({ service: 'web', id: 'second' });
      expect(first.service).toBe('web');
      expect(await list(other, 'web', (statuses) => 'second' in statuses)).toHaveLength(2);
    }
    expect(await list(other, 'web', (statuses) => !('first' in statuses))).toHaveLength(1);
    await one.close();
    await list(other, 'web', (statuses) => Object.keys(statuses).length === 0);
  });

  it('carries checks that the registry runs, and heartbeats', async () => {
    const [one, other] = [await client(), await client()];
    const registration = await one.register({ service: 'web', id: 'a', checks: [{ ttlMs: 60_000 }] });
    await list(other, 'web', ({ a }) => a === 'critical');
    await registration.beat('ttl');
    await list(other, 'web', ({ a }) => a === 'passing');
    await registration.beat('ttl', 'warning', 'slow');
    await list(other, 'web', ({ a }) => a === 'warning');
    await expect(registration.beat('none')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('rejects at once with the reason, and keeps other registrations', async () => {
    const one = await client();
    await expect(one.register({ service: 'my web' })).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('service "my web"') });
    await expect(one.register({ service: 'web', port: 70_000 })).rejects.toMatchObject({ code: 'invalid_argument' });
    const kept = await one.register({ service: 'web', id: 'a', checks: [{ name: 'b:c', ttlMs: 1_000 }] });
    await expect(one.register({ service: 'web', id: 'a' })).rejects.toMatchObject({ code: 'already_exists' });
    // Refused by the registry, and sent together with one that is not.
    const together = await Promise.allSettled([
      one.register({ service: 'web', id: 'a:b', checks: [{ name: 'c', ttlMs: 1_000 }] }),
      one.register({ service: 'web', id: 'good' }),
      one.register({ service: 'web', id: 'good too' }),
    ]);
    expect(together.map((result) => (result.status === 'rejected' ? (result.reason as { code: string }).code : result.value.id))).toEqual([
      'already_exists',
      'good',
      'good too',
    ]);
    expect((await one.service('web').instances()).map(({ id }) => id).sort()).toEqual(['a', 'good', 'good too']);
    await kept.close();
    await one.register({ service: 'web', id: 'a' });
  });

  it('of a thousand instances takes a few frames', async () => {
    const [one, other] = [await client(), await client()];
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => one.register({ service: 'web', id: `i${index}` })));
    expect(await other.service('web').instances()).toHaveLength(1_000);
    await expect(one.register({ service: 'web' })).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  it('that is aborted is not made later', async () => {
    const one = await client();
    const controller = new AbortController();
    const registering = one.register({ service: 'web', id: 'a' }, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(registering).rejects.toThrow('enough');
    await one.register({ service: 'web', id: 'b' });
    await list(one, 'web', (statuses) => !('a' in statuses) && 'b' in statuses);
  });
});

describe('services', () => {
  it('are listed with their tags, and watched', async () => {
    const [one, other] = [await client(), await client()];
    const watch = other.watchServices();
    // The registry itself is listed as a service, too.
    const next = async () => (await watch.next()).value?.filter(({ service }) => service !== 'consul');
    expect(await next()).toEqual([]);
    const db = await one.register({ service: 'db', tags: ['primary'] });
    expect(await next()).toEqual([{ service: 'db', tags: ['primary'] }]);
    await one.register({ service: 'api' });
    expect((await other.services()).map(({ service }) => service)).toEqual(['api', 'consul', 'db']);
    await next();
    await db.close();
    expect(await next()).toEqual([{ service: 'api', tags: [] }]);
    await watch.return?.();
  });

  it('are the same object for the same name, and take options once', async () => {
    const one = await client();
    const web = one.service('web', { triesMax: 2 });
    expect(one.service('web')).toBe(web);
    expect(() => one.service('web', { triesMax: 3 })).toThrow('give its options with the first call');
  });
});

describe('keys', () => {
  it('are written, compared, read, listed and deleted', async () => {
    const { kv } = await client();
    expect(await kv.get('a')).toBeUndefined();
    expect(await kv.put('a', Uint8Array.of(0, 255), { flags: 2n ** 64n - 1n, cas: 0 })).toBe(true);
    expect(await kv.put('a', 'again', { cas: 0 })).toBe(false);
    const entry = await kv.get('a');
    expect(entry).toEqual({ key: 'a', value: Buffer.of(0, 255), flags: 2n ** 64n - 1n, revision: expect.any(Number) });
    expect(await kv.put('a', 'ü', { cas: entry?.revision })).toBe(true);
    await kv.put('b/2', '');
    await kv.put('b/1', '');
    expect((await kv.list('b/')).map(({ key }) => key)).toEqual(['b/1', 'b/2']);
    expect(await kv.delete('a', { cas: entry?.revision })).toBe(false);
    expect(await kv.delete('a')).toBe(true);
    expect(await kv.delete('a')).toBe(true);
    expect(await kv.delete('', { recurse: true })).toBe(true);
    expect(await kv.list('')).toEqual([]);
  });

  it('are watched, one or all under a prefix, with revisions that rise over deletions', async () => {
    const [{ kv }, other] = [await client(), await client()];
    const [key, prefix] = [other.kv.watch({ key: 'a/1' }), other.kv.watch({ prefix: 'a/' })];
    const revisions: number[] = [];
    const next = async (watch: typeof key) => {
      const { value } = await watch.next();
      if (watch === prefix) revisions.push(value?.revision ?? -1);
      return value?.entries.map((entry) => `${entry.key}=${Buffer.from(entry.value).toString()}`);
    };
    expect([await next(key), await next(prefix)]).toEqual([[], []]);
    await kv.put('a/1', 'x');
    expect([await next(key), await next(prefix)]).toEqual([['a/1=x'], ['a/1=x']]);
    await kv.put('a/0', 'y');
    await kv.put('b', 'z');
    expect(await next(prefix)).toEqual(['a/0=y', 'a/1=x']);
    await kv.delete('a/1');
    expect([await next(key), await next(prefix)]).toEqual([[], ['a/0=y']]);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  it('over the limits are refused, and the stream continues', async () => {
    const { kv } = await client();
    await expect(kv.put('k', new Uint8Array(600_000))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.put('k', new Uint8Array(2_000_000))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.get('k'.repeat(2_000))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.get('')).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.put('k', '', { flags: -1n })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(await kv.put('k', new Uint8Array(500_000))).toBe(true);
    expect(events.map(({ kind }) => kind)).toEqual(['connected']);
  });
});

describe('a watch', () => {
  it('ends with its signal, and is removed from the registry', async () => {
    const one = await client();
    const controller = new AbortController();
    const watch = one.kv.watch({ key: 'k' }, { signal: controller.signal });
    await watch.next();
    const waiting = watch.next();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect((await watch.next()).done).toBe(true);
  });

  it('gives a slow reader only the newest content', async () => {
    const one = await client();
    const watch = one.kv.watch({ key: 'k' });
    await watch.next();
    for (let number = 1; number <= 20; number++) await one.kv.put('k', String(number));
    await one.kv.get('k');
    const { value } = await watch.next();
    expect(Buffer.from(value?.entries[0]?.value ?? []).toString()).toBe('20');
  });
});

describe('a client', () => {
  it('reports events of its connection, and its server', async () => {
    const one = await client();
    expect(one.server).toBeUndefined();
    await one.services();
    expect(one.server).toBe(server.url);
    expect(events).toEqual([{ kind: 'connected', server: server.url, resumed: false }]);
  });

  it('ends everything when it closes, and rejects later calls', async () => {
    const one = await client();
    const [watch, service] = [one.kv.watch({ key: 'k' }), one.service('web')];
    await watch.next();
    await service.instances();
    const [waiting, lists] = [watch.next(), service.watch()[Symbol.asyncIterator]()];
    await lists.next();
    const list = lists.next();
    await one.close();
    expect([(await waiting).done, (await list).done]).toEqual([true, true]);
    const closed = { code: 'failed_precondition' };
    await expect(one.kv.get('k')).rejects.toMatchObject(closed);
    await expect(one.register({ service: 'web' })).rejects.toMatchObject(closed);
    await expect(one.services()).rejects.toMatchObject(closed);
    expect(() => one.service('db')).toThrow('closed');
    expect((await one.kv.watch({ key: 'k' }).next()).done).toBe(true);
    await one.close();
  });

  it('closes with its signal', async () => {
    const controller = new AbortController();
    const [one, other] = [await client({ signal: controller.signal }), await client()];
    await one.register({ service: 'web', id: 'a' });
    await list(other, 'web', ({ a }) => a === 'passing');
    controller.abort();
    await list(other, 'web', (statuses) => Object.keys(statuses).length === 0);
    await expect(connect({ signal: controller.signal })).rejects.toThrow();
  });

  it.each<[string, ConnectOptions]>([
    ['no servers', { servers: [] }],
    ['a server that is no URL', { servers: ['nowhere at all'] }],
    ['no time', { timeoutMs: 0 }],
    ['a grace of a millisecond', { graceMs: 1 }],
    ['no name', { name: '' }],
  ])('refuses %s', async (_what, options) => {
    await expect(connect({ servers: [server.url], ...options })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('reports why the registry refuses it', async () => {
    const one = await client({ node: 'no node', timeoutMs: 300 });
    await expect(one.services()).rejects.toMatchObject({ code: 'unavailable' });
    expect(events[0]).toMatchObject({ kind: 'unreachable', reason: expect.stringContaining('is not a node name') });
  });
});
