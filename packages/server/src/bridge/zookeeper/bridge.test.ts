/** The bridge between two Rollcalls: both answer ZooKeeper's clients, so one stands for the ZooKeeper. */

import { createServer, type Server } from '@rollcall/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import { Bridge, type BridgeDirection, type BridgeNews } from './bridge.ts';
import { cleanBridge } from './clean.ts';
import { openConnection, type Connection } from './connection.ts';
import { faultProxy, type FaultProxy } from '../../../../../conformance/cluster/fault/proxy.ts';

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const persistent = 0;
const ephemeral = 1;

class End {
  readonly server: Server;
  readonly proxy: FaultProxy;
  readonly client: Connection;

  private constructor(server: Server, proxy: FaultProxy, client: Connection) {
    this.server = server;
    this.proxy = proxy;
    this.client = client;
  }

  static async open(): Promise<End> {
    const server = await createServer({ zookeeper: { port: 0, tickMs: 500 } });
    const port = server.ports.zookeeper ?? 0;
    return new End(server, await faultProxy(() => ({ host: '127.0.0.1', port })), await clientOf(port));
  }

  get port(): number {
    return this.server.ports.zookeeper ?? 0;
  }

  async register(path: string, text: string, flags = ephemeral, client = this.client): Promise<void> {
    const parents = path.split('/').slice(1, -1);
    for (let at = 1; at <= parents.length; at++) await client.request('create', { path: `/${parents.slice(0, at).join('/')}`, data: null, acl, flags: persistent });
    await client.request('delete', { path, version: -1 });
    expect(await client.request('create', { path, data: Buffer.from(text), acl, flags })).toMatchObject({ err: 0 });
  }

  async remove(path: string): Promise<void> {
    expect(await this.client.request('delete', { path, version: -1 })).toMatchObject({ err: 0 });
  }

  /** Undefined when the znode does not exist. */
  async data(path: string): Promise<string | undefined> {
    const reply = await this.client.request('getData', { path, watch: false });
    return reply.body === undefined ? undefined : Buffer.from(reply.body.data ?? []).toString();
  }

  async close(): Promise<void> {
    this.client.destroy();
    await this.proxy.close();
    await this.server.close();
  }
}

const clientOf = (port: number) => openConnection({ host: '127.0.0.1', port, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });

/** Curator's form: then it is an instance, too. */
const instance = (id: string, port = 80) => JSON.stringify({ name: 'web', id, address: '10.0.0.1', port, sslPort: null, payload: null, registrationTimeUTC: 1, serviceType: 'DYNAMIC', uriSpec: null });

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

describe('the bridge', () => {
  let zooKeeper: End;
  let rollcall: End;
  const bridges: Bridge[] = [];
  const news: BridgeNews[] = [];

  beforeEach(async () => {
    [zooKeeper, rollcall] = await Promise.all([End.open(), End.open()]);
    news.length = 0;
  });

  afterEach(async () => {
    for (const bridge of bridges.splice(0)) await bridge.stop();
    await zooKeeper.close();
    await rollcall.close();
  });

  const shared = { name: 'test', base: '/services', dubboBase: '/dubbo', clock: systemClock };

  /** Connects through proxies, which tests cut. */
  function start(direction: BridgeDirection = 'both', identity = 'first'): Bridge {
    const endOf = ({ proxy }: End) => ({ addresses: [{ host: proxy.host, port: proxy.port }], tls: undefined, credential: undefined });
    const bridge = new Bridge({ ...shared, zooKeeper: endOf(zooKeeper), rollcall: endOf(rollcall), direction, identity, report: (each) => news.push(each) });
    bridges.push(bridge);
    void bridge.run();
    return bridge;
  }

  const has = (end: End, path: string, text: string | undefined) => until(`${path} is ${text ?? 'gone'}`, async () => (await end.data(path)) === text);

  it('mirrors registrations in both directions, with their changes and their end', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    await zooKeeper.register('/dubbo/org.Api/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.Api', '');
    await rollcall.register('/services/web/b', instance('b'));
    start();
    await has(rollcall, '/services/web/a', instance('a'));
    await has(rollcall, '/dubbo/org.Api/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.Api', '');
    await has(zooKeeper, '/services/web/b', instance('b'));
    await zooKeeper.client.request('setData', { path: '/services/web/a', data: Buffer.from(instance('a', 81)), version: -1 });
    await has(rollcall, '/services/web/a', instance('a', 81));
    await rollcall.remove('/services/web/b');
    await has(zooKeeper, '/services/web/b', undefined);
    await zooKeeper.register('/services/late/c', instance('c'));
    await has(rollcall, '/services/late/c', instance('c'));
    expect(news.filter(({ kind }) => kind === 'refused')).toEqual([]);
  });

  it('mirrors in one direction when told to', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    await rollcall.register('/services/web/b', instance('b'));
    start('from');
    await has(rollcall, '/services/web/a', instance('a'));
    expect(await zooKeeper.data('/services/web/b')).toBeUndefined();
  });

  it('leaves an application alone that moves, and mirrors it back', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    start();
    await has(rollcall, '/services/web/a', instance('a'));
    await rollcall.register('/services/web/a', instance('a', 81));
    await until('it is counted on both sides', () => news.some((each) => each.kind === 'counts' && each.inZooKeeper === 1 && each.inRollcall === 1));
    expect(await zooKeeper.data('/services/web/a')).toBe(instance('a'));
    await zooKeeper.remove('/services/web/a');
    await has(zooKeeper, '/services/web/a', instance('a', 81));
    expect(await rollcall.data('/services/web/a')).toBe(instance('a', 81));
    await until('it is counted in Rollcall alone', () => news.some((each) => each.kind === 'counts' && each.inZooKeeper === 0 && each.inRollcall === 1));
  });

  it.each(['ZooKeeper', 'Rollcall'])('removes nothing while it has lost %s, and afterwards what has gone meanwhile', async (side) => {
    const cut = side === 'ZooKeeper' ? zooKeeper : rollcall;
    await zooKeeper.register('/services/web/stays', instance('stays'));
    await zooKeeper.register('/services/web/goes', instance('goes'));
    start();
    await has(rollcall, '/services/web/goes', instance('goes'));
    cut.proxy.set({ refused: true });
    cut.proxy.cut();
    await until('the loss is told', () => news.some((each) => each.kind === 'lost' && each.side === side));
    await zooKeeper.remove('/services/web/goes');
    await zooKeeper.register('/services/web/new', instance('new'));
    // Longer than the session of the bridge can last, which has the leases.
    await new Promise((next) => setTimeout(next, 300));
    expect(await rollcall.data('/services/web/goes')).toBe(instance('goes'));
    expect(await rollcall.data('/services/web/stays')).toBe(instance('stays'));
    cut.proxy.heal();
    await has(rollcall, '/services/web/new', instance('new'));
    await has(rollcall, '/services/web/goes', undefined);
    expect(await rollcall.data('/services/web/stays')).toBe(instance('stays'));
    expect(news.flatMap((each) => (each.kind === 'mirrored' && each.what === 'delete' ? [each.path] : []))).toEqual(['/services/web/goes']);
  });

  it('leaves everything when it ends, and the next one goes on with it', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    await zooKeeper.register('/services/web/b', instance('b'));
    const first = start();
    await has(rollcall, '/services/web/b', instance('b'));
    await first.stop();
    await zooKeeper.remove('/services/web/b');
    expect(await rollcall.data('/services/web/a')).toBe(instance('a'));
    expect(await rollcall.data('/services/web/b')).toBe(instance('b'));
    start('both', 'second');
    await has(rollcall, '/services/web/b', undefined);
    expect(await rollcall.data('/services/web/a')).toBe(instance('a'));
    expect(await zooKeeper.data('/services/web/a')).toBe(instance('a'));
  });

  it('waits while another one of its name works, and takes over', async () => {
    const first = start();
    await until('the first has compared', () => news.some(({ kind }) => kind === 'counts'));
    start('both', 'second');
    await until('the second waits', () => news.some((each) => each.kind === 'waiting' && each.holder === 'first'));
    await first.stop();
    await zooKeeper.register('/services/web/a', instance('a'));
    await has(rollcall, '/services/web/a', instance('a'));
  });

  it('keeps what it has mirrored when the base itself is missing', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    const first = start();
    await has(rollcall, '/services/web/a', instance('a'));
    await first.stop();
    for (const path of ['/services/web/a', '/services/web', '/services']) await zooKeeper.remove(path);
    start();
    await until('it says so', () => news.some((each) => each.kind === 'refused' && each.reason.includes('has no /services any more')));
    expect(await rollcall.data('/services/web/a')).toBe(instance('a'));
  });

  it('removes all that it has left when it is told to, and nothing of others', async () => {
    await zooKeeper.register('/services/web/a', instance('a'));
    await rollcall.register('/services/web/b', instance('b'));
    const bridge = start();
    await has(rollcall, '/services/web/a', instance('a'));
    await has(zooKeeper, '/services/web/b', instance('b'));
    const endOf = ({ port }: End) => ({ addresses: [{ host: '127.0.0.1', port }], tls: undefined, credential: undefined });
    await expect(cleanBridge(endOf(rollcall), shared)).rejects.toThrow('the bridge test works (first); stop it first');
    await bridge.stop();
    expect(await cleanBridge(endOf(rollcall), shared)).toBe(1);
    expect(await cleanBridge(endOf(zooKeeper), shared)).toBe(1);
    expect([await zooKeeper.data('/services/web/a'), await zooKeeper.data('/services/web/b')]).toEqual([instance('a'), undefined]);
    expect([await rollcall.data('/services/web/a'), await rollcall.data('/services/web/b')]).toEqual([undefined, instance('b')]);
    expect([await zooKeeper.data('/rollcall-bridge'), await rollcall.data('/rollcall-bridge')]).toEqual([undefined, undefined]);
  });
});
