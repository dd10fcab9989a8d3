import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { findCheck } from '../../registry/kind/catalog/find.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';
import { SocketClient, newSession, type Told } from './socket-client.case.ts';
import { stallMeter } from '../../stall-meter.case.ts';
import { tcpProxy } from './tcp-proxy.case.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ nodeName: 'here', ...options });
  closing.push(() => server.close());
  return server;
}

async function reader(url: string, hello: object = {}): Promise<SocketClient> {
  const client = await SocketClient.greeted(url, hello);
  closing.push(() => client.webSocket.terminate());
  return client;
}

const valueBytes = 300_000;
const watchBig = { type: 'watch', views: [{ kind: 'key', name: 'big' }] };
/** Writes the key, and lets its watchers get the push. */
const putBig = async (server: Server, number: number) => {
  const value = Buffer.alloc(valueBytes, 'x');
  value.writeUInt32BE(number);
  await server.registry.submit({ kind: 'kv-put', namespace: 'default', key: 'big', value, flags: BigInt(number) });
  await new Promise((resolve) => setImmediate(resolve));
};
/** The entries of a push, be it a snapshot or a delta. */
const entries = (told: Told) => (told['put'] ?? told['items'] ?? []) as { key: string; flags: string }[];
const cuts = async (server: Server, reason: string): Promise<number> => {
  const { values } = await server.metrics.streamsCut.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
};

describe('a reader that has disconnected', () => {
  it('is found within 3 s when its connection is half open, while an idle one stays', async () => {
    const server = await start();
    const proxy = await tcpProxy(server.url);
    closing.push(() => proxy.close());
    const [lost, idle] = [await reader(proxy.url, { session: newSession() }), await reader(server.url, { session: newSession() })];
    await lost.ask({ type: 'register', instances: [{ id: 'lost', service: 'web' }] });
    await idle.ask({ type: 'register', instances: [{ id: 'idle', service: 'web' }] });
    // It was slow for a while, which must not count as a sign of life later.
    await lost.ask(watchBig);
    lost.webSocket.pause();
    for (let number = 1; number <= 100; number++) await putBig(server, number);
    lost.webSocket.resume();
    await lost.take((told) => entries(told)[0]?.flags === '100');
    const statusOf = (id: string) => findCheck(server.registry.state, 'default', 'here', `stream:${id}`)?.status;
    const meter = stallMeter();
    closing.push(() => meter.stop());
    const critical = new Promise<number>((resolve) => {
      server.registry.views.watch('service\0default\0web', () => statusOf('lost') === 'critical' && resolve(meter.elapsedMs()));
    });
    proxy.freeze();
    expect(await critical).toBeLessThan(3_000);
    expect(statusOf('idle')).toBe('passing');
    expect(await cuts(server, 'silent')).toBe(1);
    expect(idle.webSocket.readyState).toBe(idle.webSocket.OPEN);
  });
});

describe('a slow reader', () => {
  it('gets no outdated content when it reads again, and finally has the newest', async () => {
    const server = await start();
    const client = await reader(server.url);
    await client.ask(watchBig);
    client.webSocket.pause();
    const changes = 100;
    for (let number = 1; number <= changes; number++) await putBig(server, number);
    client.webSocket.resume();
    await client.take((told) => entries(told)[0]?.flags === String(changes));
    expect(client.received).toBeLessThan(changes);
    const seen = client.inbox.flatMap(({ revision }) => (typeof revision === 'number' ? [revision] : []));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await client.ask(watchBig)).toMatchObject({ type: 'watching' });
  });

  it('gets every view that it missed, not only the last', async () => {
    const server = await start({ limits: { streamBufferBytesMax: 100_000 } });
    const client = await reader(server.url);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    await client.ask({ type: 'watch', views: [...watchBig.views, ...keys.map((name) => ({ kind: 'key', name }))] });
    client.webSocket.pause();
    for (let number = 1; number <= 100; number++) await putBig(server, number);
    for (const round of ['1', '2', '3']) {
      for (const key of keys) await server.registry.submit({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(round), flags: BigInt(round) });
    }
    client.webSocket.resume();
    for (const key of keys) {
      await client.take((told) => entries(told).some((entry) => entry.key === key && entry.flags === '3'));
    }
  });
});

describe('a reader that does not read', () => {
  it('is disconnected when it has not read for ten seconds, and not before', async () => {
    const clock = manualClock();
    const server = await start({ clock });
    const client = await reader(server.url);
    await client.ask(watchBig);
    client.webSocket.pause();
    for (let number = 1; number <= 100; number++) await putBig(server, number);
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 250) {
        clock.advance(250);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await pass(9_500);
    expect(server.registry.views.watching).toBe(1);
    await pass(1_000);
    expect(await cuts(server, 'stuck')).toBe(1);
    await expect.poll(() => server.registry.views.watching).toBe(0);
  });

  it('is disconnected when it requests more answers than it reads', async () => {
    const server = await start({ limits: { streamBufferBytesMax: 100_000 } });
    const client = await reader(server.url);
    await putBig(server, 1);
    client.webSocket.pause();
    for (let id = 1_000; id < 1_200; id++) {
      client.send(JSON.stringify({ id, type: 'get', view: { kind: 'key', name: 'big' } }));
    }
    await expect.poll(() => cuts(server, 'flooded')).toBe(1);
    client.webSocket.resume();
    await client.ended;
    expect(await (await reader(server.url)).ask({ type: 'get', view: { kind: 'key', name: 'big' } })).toMatchObject({ type: 'snapshot' });
  });
});

describe('a client that sends no request', () => {
  it('is disconnected when it has not sent hello for ten seconds', async () => {
    const clock = manualClock();
    const server = await start({ clock });
    const client = await SocketClient.open(server.url);
    closing.push(() => client.webSocket.terminate());
    for (let visits = 0; visits < 45 && client.webSocket.readyState === client.webSocket.OPEN; visits++) {
      // It answers pings, so it is not cut for silence.
      const heard = new Promise((resolve) => client.webSocket.once('pong', resolve));
      client.webSocket.ping();
      await Promise.race([heard, client.ended]);
      clock.advance(250);
    }
    expect(await client.ended).toMatchObject({ code: 1008, reason: 'no hello' });
  });
});
