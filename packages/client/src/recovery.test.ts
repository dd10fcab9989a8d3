import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, memory, type Engine, type Server, type ServerOptions } from '@rollcall/server';
import { freePort } from '../../../conformance/free-ports.mjs';
import { manualClock } from '../../server/src/manual-clock.case.ts';
import { stallMeter } from '../../server/src/stall-meter.case.ts';
import { tcpProxy, type TcpProxy } from '../../server/src/frontend/stream/tcp-proxy.case.ts';
import { servicesOf } from '../../server/src/registry/kind/catalog/service-index.ts';
import { connect, type ConnectOptions, type ConnectionEvent, type Rollcall, type SourcedSnapshot } from './index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ nodeName: 'here', ...options });
  closing.push(() => server.close());
  return server;
}

async function proxied(server: Server): Promise<TcpProxy> {
  const proxy = await tcpProxy(server.url);
  closing.push(() => proxy.close());
  return proxy;
}

interface Watched {
  readonly rollcall: Rollcall;
  readonly events: ConnectionEvent[];
  /** Resolves with the first event of that kind from now on. */
  readonly event: (kind: ConnectionEvent['kind']) => Promise<ConnectionEvent>;
}

async function client(servers: readonly string[], options: ConnectOptions = {}): Promise<Watched> {
  const events: ConnectionEvent[] = [];
  const waiting = new Set<(event: ConnectionEvent) => void>();
  const onEvent = (event: ConnectionEvent) => {
    events.push(event);
    for (const wake of waiting) wake(event);
  };
  const rollcall = await connect({ servers, onEvent, ...options });
  closing.push(() => rollcall.close());
  const event: Watched['event'] = (kind) =>
    new Promise((resolve) => {
      const wake = (each: ConnectionEvent) => {
        if (each.kind !== kind) return;
        waiting.delete(wake);
        resolve(each);
      };
      waiting.add(wake);
    });
  return { rollcall, events, event };
}

const statuses = ({ instances }: SourcedSnapshot) => Object.fromEntries(instances.map(({ id, status }) => [id, status]));

/** The first list of `web` that fits. */
async function web(rollcall: Rollcall, fits: (list: SourcedSnapshot) => boolean): Promise<SourcedSnapshot> {
  for await (const list of rollcall.service('web').watch()) if (fits(list)) return list;
  throw new Error('the client was closed');
}

/** Servers over one store, one after the other or at the same time: closing one leaves it open. */
function sharedStore(): Engine {
  const engine = memory();
  return { ...engine, close: () => Promise.resolve() };
}

describe('a connection that is lost', () => {
  it('has no lasting effect when it is back within the grace: critical, then passing, the same registration', async () => {
    const server = await start();
    const proxy = await proxied(server);
    const [owner, watcher] = [await client([proxy.url]), await client([server.url])];
    await owner.rollcall.register({ service: 'web', id: 'a' });
    await web(watcher.rollcall, (list) => statuses(list)['a'] === 'passing');
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const list of watcher.rollcall.service('web').watch({ signal: stop.signal })) seen.push(statuses(list)['a'] ?? 'gone');
    })().catch(() => {});
    const back = owner.event('connected');
    proxy.cut();
    expect(await back).toMatchObject({ resumed: true });
    await web(watcher.rollcall, (list) => statuses(list)['a'] === 'passing');
    stop.abort();
    await watching;
    // Both changes may have come before the reader looked.
    expect(seen.filter((status, index) => index === 0 || status !== seen[index - 1])).not.toContain('gone');
    expect(owner.events.map(({ kind }) => kind)).toEqual(['connected', 'registered', 'disconnected', 'connected']);
  });

  it('removes the registration after the grace, and makes it again when it is back', async () => {
    const server = await start();
    const proxy = await proxied(server);
    const [owner, watcher] = [await client([proxy.url], { graceMs: 1_000 }), await client([server.url])];
    await owner.rollcall.register({ service: 'web', id: 'a', tags: ['mine'] });
    await web(watcher.rollcall, (list) => statuses(list)['a'] === 'passing');
    proxy.refuse(true);
    proxy.cut();
    await web(watcher.rollcall, (list) => statuses(list)['a'] === 'critical');
    await web(watcher.rollcall, ({ instances }) => instances.length === 0);
    const back = owner.event('connected');
    proxy.refuse(false);
    expect(await back).toMatchObject({ resumed: false });
    const list = await web(watcher.rollcall, ({ instances }) => instances.length === 1);
    expect(list.instances).toMatchObject([{ id: 'a', tags: ['mine'], status: 'passing' }]);
  });

  it('and restored brings watches to the present state, and never back', async () => {
    const server = await start();
    const proxy = await proxied(server);
    const [one, other] = [await client([proxy.url]), await client([server.url])];
    const watch = one.rollcall.kv.watch({ prefix: '' });
    const revisions = [(await watch.next()).value?.revision ?? 0];
    proxy.refuse(true);
    proxy.cut();
    for (const value of ['1', '2', '3']) await other.rollcall.kv.put('k', value);
    proxy.refuse(false);
    const { value } = await watch.next();
    expect(Buffer.from(value?.entries[0]?.value ?? []).toString()).toBe('3');
    revisions.push(value?.revision ?? 0);
    proxy.cut();
    await one.event('connected');
    await other.rollcall.kv.delete('k');
    revisions.push((await watch.next()).value?.revision ?? 0);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  it('is detected by its silence, and another server is found, within 2 s', async () => {
    const engine = sharedStore();
    const [near, far] = [await start({ engine }), await start({ engine })];
    const [toNear, toFar] = [await proxied(near), await proxied(far)];
    const { rollcall, event } = await client([toNear.url, toFar.url]);
    await rollcall.register({ service: 'web', id: 'a' });
    const used = rollcall.server === toNear.url ? toNear : toFar;
    const unused = used === toNear ? toFar : toNear;
    const [gone, back] = [event('disconnected'), event('connected')];
    const meter = stallMeter();
    closing.push(() => meter.stop());
    used.freeze();
    expect(await gone).toMatchObject({ server: used.url, reason: expect.stringContaining('silent') });
    expect(await back).toMatchObject({ server: unused.url, resumed: true });
    expect(meter.elapsedMs()).toBeLessThan(2_000);
    expect(await rollcall.services()).toContainEqual({ service: 'web', tags: [] });
  });
});

describe('a server that restarts', () => {
  it('causes no deregistration: clients resume everything', async () => {
    const engine = sharedStore();
    const port = await freePort();
    const server = await start({ engine, http: { port } });
    const { rollcall, events, event } = await client([server.url]);
    await rollcall.register({ service: 'web', id: 'a' });
    const before = await web(rollcall, (list) => statuses(list)['a'] === 'passing');
    const lost = event('disconnected');
    await server.close();
    await lost;
    expect(rollcall.service('web').snapshot()).toMatchObject({ stale: true, instances: [{ id: 'a', status: 'passing' }] });
    const back = event('connected');
    const again = await start({ engine, http: { port } });
    expect(await back).toMatchObject({ resumed: true });
    // A write that comes back through the log: everything before it has been applied.
    await rollcall.kv.put('k', '');
    const after = await web(rollcall, ({ stale }) => !stale);
    expect(after).toMatchObject({ revision: before.revision, stale: false, ageMs: 0 });
    expect(again.registry.views.revision('service\0default\0web')).toBe(before.revision);
    expect(events.filter(({ kind }) => kind === 'warning')).toEqual([]);
  });

  it('with an empty store is filled again by its clients, and lists do not become empty meanwhile', async () => {
    const http = { port: await freePort() };
    const server = await start({ http });
    const proxy = await proxied(server);
    const [owner, watcher] = [await client([proxy.url]), await client([server.url])];
    await owner.rollcall.register({ service: 'web', id: 'a' });
    await web(watcher.rollcall, (list) => statuses(list)['a'] === 'passing');
    const lengths: number[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { instances } of watcher.rollcall.service('web').watch({ signal: stop.signal })) lengths.push(instances.length);
    })().catch(() => {});
    proxy.refuse(true);
    const emptyMet = watcher.event('connected');
    await server.close();
    const empty = await start({ http });
    await emptyMet;
    await watcher.rollcall.kv.get('k');
    expect(watcher.rollcall.service('web').snapshot()).toMatchObject({ stale: true, instances: [{ id: 'a' }] });
    proxy.refuse(false);
    const { instances } = await web(watcher.rollcall, ({ stale }) => !stale);
    expect(instances).toMatchObject([{ id: 'a', status: 'passing' }]);
    expect(servicesOf(empty.registry.state).has('default', 'web')).toBe(true);
    stop.abort();
    await watching;
    expect(Math.min(...lengths)).toBe(1);
  });
});

describe('a session that another client has ended', () => {
  it('starts again, with everything that was registered', async () => {
    const server = await start();
    const { rollcall } = await client([server.url]);
    await rollcall.register({ service: 'web', id: 'a' });
    await web(rollcall, (list) => 'a' in statuses(list));
    const gone = web(rollcall, ({ instances }) => instances.length === 0);
    await server.registry.submit({ kind: 'deregister-node', node: 'here' });
    await gone;
    await web(rollcall, (list) => statuses(list)['a'] === 'passing');
  });
});

describe('an unreachable registry', () => {
  it('leaves the lists as they were, marks them stale, and fails other calls in time', async () => {
    const server = await start();
    const { rollcall, event } = await client([server.url], { timeoutMs: 200 });
    await rollcall.register({ service: 'web', id: 'a' });
    await web(rollcall, (list) => 'a' in statuses(list));
    expect(rollcall.service('web').snapshot()).toMatchObject({ stale: false, ageMs: 0 });
    const lost = event('disconnected');
    await server.close();
    await lost;
    await event('unreachable');
    const list = rollcall.service('web').snapshot();
    expect(list).toMatchObject({ stale: true, instances: [{ id: 'a', status: 'passing' }] });
    expect(list?.ageMs).toBeGreaterThan(0);
    expect(rollcall.service('web').pick().instance.id).toBe('a');
    expect(await rollcall.service('web').instances()).toHaveLength(1);
    const unavailable = { code: 'unavailable' };
    await expect(rollcall.kv.get('k')).rejects.toMatchObject(unavailable);
    await expect(rollcall.services()).rejects.toMatchObject(unavailable);
    await expect(rollcall.service('db').instances()).rejects.toMatchObject(unavailable);
    await expect(rollcall.register({ service: 'web', id: 'b' }, { timeoutMs: 200 })).rejects.toMatchObject(unavailable);
  });

  it('does not prevent the start of a client, which connects as soon as there is one', async () => {
    const http = { port: await freePort() };
    const { rollcall, event } = await client([`http://127.0.0.1:${http.port}`]);
    await event('unreachable');
    const registering = rollcall.register({ service: 'web', id: 'a' });
    await start({ http });
    expect((await registering).id).toBe('a');
  });

  it('delays announced registrations, which report it and are made within two seconds of its return', async () => {
    const http = { port: await freePort() };
    const { rollcall, event } = await client([`http://127.0.0.1:${http.port}`], { timeoutMs: 300 });
    const told = event('not-registered');
    const registration = rollcall.announce({ service: 'web', id: 'a' });
    await expect(registration.registered({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(registration.registered({ signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await told).toMatchObject({ id: 'a', code: 'unavailable' });
    // Well beyond the wait of an operation, as when a registry takes minutes to come.
    for (let n = 0; n < 5; n++) await event('unreachable');
    const registered = event('registered');
    await start({ http });
    const meter = stallMeter();
    closing.push(() => meter.stop());
    expect(await registered).toMatchObject({ id: 'a', service: 'web' });
    await registration.registered();
    // The longest pause between two attempts, and the time that they take on a machine that is busy.
    expect(meter.elapsedMs()).toBeLessThan(4_000);
    await registration.close();
  });

  it('that never returns does not delay the close of announced registrations', async () => {
    const gone = await start();
    await gone.close();
    const { rollcall } = await client([gone.url]);
    const registration = rollcall.announce({ service: 'web', id: 'a' });
    const meter = stallMeter();
    closing.push(() => meter.stop());
    await registration.close();
    expect(meter.elapsedMs()).toBeLessThan(1_000);
    await expect(registration.registered()).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('is bridged by the disk cache, also for a new client', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-cache-'));
    closing.push(() => rm(dir, { recursive: true, force: true }));
    const server = await start();
    const owner = await client([server.url]);
    await owner.rollcall.register({ service: 'web', id: 'a', port: 8080 });
    const first = await client([server.url], { cacheDir: dir });
    await web(first.rollcall, (list) => 'a' in statuses(list));
    await first.rollcall.close();
    await server.close();
    const clock = manualClock(Date.now() + 60_000);
    const rollcall = await connect({ servers: [server.url], cacheDir: dir }, { clock });
    closing.push(() => rollcall.close());
    const list = rollcall.service('web').snapshot();
    expect(list).toMatchObject({ stale: true, instances: [{ id: 'a', port: 8080 }] });
    expect(list?.ageMs).toBeGreaterThanOrEqual(59_000);
    expect(list?.ageMs).toBeLessThan(70_000);
    expect(rollcall.service('web').pick().port).toBe(8080);
  });
});

describe('several servers', () => {
  it('take over when one closes, and the registration stays', async () => {
    const engine = sharedStore();
    const servers = [await start({ engine }), await start({ engine })];
    const { rollcall, event } = await client(servers.map(({ url }) => url));
    await rollcall.register({ service: 'web', id: 'a' });
    const used = servers.find(({ url }) => url === rollcall.server) as Server;
    const other = servers.find((server) => server !== used) as Server;
    const back = event('connected');
    await used.close();
    expect(await back).toMatchObject({ server: other.url, resumed: true });
    expect(statuses(await web(rollcall, ({ stale }) => !stale))).toEqual({ a: 'passing' });
  });

  it('are tried one after the other until one answers', async () => {
    const gone = await start();
    await gone.close();
    const server = await start();
    for (const random of [() => 0, () => 0.99]) {
      const rollcall = await connect({ servers: [gone.url, server.url] }, { random });
      await rollcall.services();
      expect(rollcall.server).toBe(server.url);
      await rollcall.close();
    }
  });
});
