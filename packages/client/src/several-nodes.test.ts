/** A client of several nodes that share a store: lists that may be old are marked, and no read goes back. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, memory, type Server } from '@rollcall/server';
import { heldEngine, type HeldEngine } from '../../server/src/engine/held-engine.case.ts';
import { tcpProxy, type TcpProxy } from '../../server/src/frontend/stream/tcp-proxy.case.ts';
import { connect, type ConnectionEvent, type ConnectOptions, type Rollcall, type SourcedSnapshot } from './index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

interface Nodes {
  readonly one: Server;
  readonly other: Server;
  /** The feed of `one`. */
  readonly held: HeldEngine;
  /** In front of `other`. */
  readonly proxy: TcpProxy;
}

async function nodes(): Promise<Nodes> {
  const engine = memory();
  const held = heldEngine(engine);
  const one = await createServer({ engine: held.engine, nodeName: 'one' });
  const other = await createServer({ engine: { ...engine, exclusive: false }, nodeName: 'other' });
  const proxy = await tcpProxy(other.url);
  closing.push(() => one.close(), () => other.close(), () => proxy.close());
  return { one, other, held, proxy };
}

async function client(servers: readonly string[], options: ConnectOptions = {}): Promise<{ rollcall: Rollcall; event: (kind: ConnectionEvent['kind']) => Promise<ConnectionEvent> }> {
  const events: ConnectionEvent[] = [];
  const waiting = new Set<() => void>();
  const onEvent = (event: ConnectionEvent) => {
    events.push(event);
    for (const wake of waiting) wake();
  };
  // In the order in which they are given.
  const rollcall = await connect({ servers, onEvent, ...options }, { random: () => 0.999 });
  closing.push(() => rollcall.close());
  const event = (kind: ConnectionEvent['kind']) =>
    new Promise<ConnectionEvent>((resolve) => {
      const look = () => {
        const at = events.findIndex((each) => each.kind === kind);
        if (at < 0) return;
        waiting.delete(look);
        resolve(events.splice(at, 1)[0] as ConnectionEvent);
      };
      waiting.add(look);
      look();
    });
  return { rollcall, event };
}

/** The list of a service, once there is one. */
async function list(rollcall: Rollcall, name: string): Promise<SourcedSnapshot> {
  const service = rollcall.service(name);
  await service.instances();
  return service.snapshot() as SourcedSnapshot;
}

describe('a client whose node no longer follows its store', () => {
  it('says that its lists are stale and since when, and that they are current again', async () => {
    const { one, held } = await nodes();
    const { rollcall, event } = await client([one.url]);
    await rollcall.register({ id: 'web-1', service: 'web', address: '10.0.0.1', port: 80 });
    expect(await list(rollcall, 'web')).toMatchObject({ stale: false, ageMs: 0, instances: [{ id: 'web-1' }] });
    held.unreachable = true;
    held.cut();
    expect(await event('stale')).toMatchObject({ server: one.url, staleMs: expect.any(Number) as number });
    const known = await list(rollcall, 'web');
    expect(known).toMatchObject({ stale: true, origin: 'registry', instances: [{ id: 'web-1' }] });
    expect(known.ageMs).toBeGreaterThan(0);
    // A service that is asked for only now is as stale.
    expect(await list(rollcall, 'other')).toMatchObject({ stale: true, instances: [] });
    expect(rollcall.explain('web').list).toMatchObject({ stale: true });
    held.unreachable = false;
    await event('current');
    expect(await list(rollcall, 'web')).toMatchObject({ stale: false, ageMs: 0 });
  });

  it('learns it from the welcome, too; its disk cache keeps since when the list may be old', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'several-nodes-'));
    closing.push(() => rm(cacheDir, { recursive: true }));
    const { one, held } = await nodes();
    const first = await client([one.url]);
    await first.rollcall.register({ id: 'web-1', service: 'web', address: '10.0.0.1', port: 80 });
    held.unreachable = true;
    held.cut();
    await first.event('stale');
    const front = await tcpProxy(one.url);
    const later = await client([front.url], { cacheDir });
    expect(await list(later.rollcall, 'web')).toMatchObject({ stale: true, instances: [{ id: 'web-1' }] });
    await later.event('stale');
    await later.rollcall.close();
    await front.close();
    const offline = await client([front.url], { cacheDir });
    const kept = await list(offline.rollcall, 'web');
    expect(kept).toMatchObject({ stale: true, origin: 'disk cache' });
    expect(kept.ageMs).toBeGreaterThan(0);
  });
});

describe('a client that loses its node', () => {
  it('reads nothing older from another one, which catches up first', async () => {
    const { one, held, proxy } = await nodes();
    const { rollcall, event } = await client([proxy.url, one.url]);
    await event('connected');
    held.hold();
    await rollcall.kv.put('k', 'new');
    const lost = event('disconnected');
    const asked = held.decided();
    await proxy.close();
    await lost;
    let isAnswered = false;
    const read = rollcall.kv.get('k').finally(() => (isAnswered = true));
    // The node that is behind has got the hello, and asks the store.
    await asked;
    expect(isAnswered).toBe(false);
    held.go();
    expect((await read)?.value.toString()).toBe('new');
    expect(rollcall.server).toBe(one.url);
  });
});
