/** `rollcall bridge` between a real ZooKeeper and Rollcall, with applications that use Curator's service discovery, and Spring's as it moves. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConnection, type Connection } from '../../../packages/server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../../../packages/server/src/clock.ts';
import { TestAuthority } from '../../../packages/server/src/net/certificates.case.ts';
import { playSecureBridge, playZooKeeperGuide } from '../../../tools/from-zookeeper.ts';
import { blocksOf } from '../../../tools/markdown.ts';
import { curatorProblem, runCurator } from '../programs.mjs';
import { startRealZooKeeper, startRollcall, zooKeeperProblem, type RollcallServer, type ZooKeeperServer } from '../start.mjs';
import { Bridge, type BridgeNews } from '../../../packages/server/src/bridge/zookeeper/bridge.ts';
import { untilTrue } from '../../spring/seen.ts';

const problem = zooKeeperProblem() ?? curatorProblem();
it('the server and the programs are built', () => expect(problem).toBeUndefined());

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const clientOf = (port: number) => openConnection({ host: '127.0.0.1', port, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });
const instance = (id: string) => JSON.stringify({ name: 'orders', id, address: '127.0.0.1', port: 8080, sslPort: null, payload: null, registrationTimeUTC: 1, serviceType: 'DYNAMIC', uriSpec: null });

const blocks = blocksOf(readFileSync(new URL('../../../docs/guides/from-zookeeper.md', import.meta.url), 'utf8'));

async function register(client: Connection, id: string, hidden = acl): Promise<void> {
  for (const path of ['/services', '/services/orders']) await client.request('createContainer', { path, data: null, acl, flags: 4 });
  await client.request('delete', { path: `/services/orders/${id}`, version: -1 });
  expect(await client.request('create', { path: `/services/orders/${id}`, data: Buffer.from(instance(id)), acl: hidden, flags: 1 })).toMatchObject({ err: 0 });
}

const idsAt = async (client: Connection) => [...((await client.request('getChildren', { path: '/services/orders', watch: false })).body?.children ?? [])].toSorted();

describe.runIf(problem === undefined)('a bridge to a real ZooKeeper', () => {
  let zookeeper: ZooKeeperServer;
  let rollcall: RollcallServer;
  let bridge: Bridge;
  const news: BridgeNews[] = [];

  beforeAll(async () => {
    zookeeper = await startRealZooKeeper({ tickMs: 500 });
    rollcall = await startRollcall({ args: ['--zookeeper-tick', '500'] });
    const endOf = ({ port }: ZooKeeperServer) => ({ addresses: [{ host: '127.0.0.1', port }], tls: undefined, credential: undefined });
    bridge = new Bridge({ zooKeeper: endOf(zookeeper), rollcall: endOf(rollcall), direction: 'both', name: 'test', base: '/services', dubboBase: '/dubbo', identity: 'test', clock: systemClock, report: (each) => news.push(each) });
    void bridge.run();
  });

  afterAll(async () => {
    await bridge?.stop();
    await rollcall?.stop();
    await zookeeper?.stop();
  });

  it('loses nothing while both servers are killed and started again', async () => {
    let [old, own] = [await clientOf(zookeeper.port), await clientOf(rollcall.port)];
    await register(old, 'a');
    await register(own, 'b');
    await untilTrue('both are on both sides', async () => `${await idsAt(old)} ${await idsAt(own)}` === 'a,b a,b');
    for (const server of [zookeeper, rollcall]) {
      await server.kill();
      await server.start();
    }
    // The sessions of the two applications go on over new connections, as Curator's do.
    const again = (server: ZooKeeperServer, { sessionId: id, password }: Connection) => openConnection({ host: '127.0.0.1', port: server.port, timeoutMs: 10_000, clock: systemClock, session: { id, password }, onNotification: () => {} });
    [old, own] = [await again(zookeeper, old), await again(rollcall, own)];
    await register(old, 'c');
    await untilTrue('a later one is on both sides', async () => `${await idsAt(old)} ${await idsAt(own)}` === 'a,b,c a,b,c');
    expect(news.filter((each) => each.kind === 'mirrored' && each.what === 'delete')).toEqual([]);
    await old.close();
    await own.close();
    const seen = await clientOf(rollcall.port);
    await untilTrue('all are gone', async () => (await idsAt(seen)).length === 0);
    await seen.close();
  });

  it("shows what Curator's service discovery registers in one, and reads it as Curator does", async () => {
    const [one, other] = [await runCurator(zookeeper.address, ['discovery']), await runCurator(rollcall.address, ['discovery'])];
    // Services of the other runs may still be there.
    const instances = (lines: readonly string[] = []) => lines.filter((line) => !line.startsWith('names') && !line.startsWith('no service'));
    expect(one['discovery']).toContain('cached i1 http://127.0.0.1:8080 DYNAMIC {zone=z1} 1700000000000');
    expect(instances(other['discovery'])).toEqual(instances(one['discovery']));
    expect(news.some((each) => each.kind === 'mirrored' && each.path === '/services/web/i1' && each.to === 'ZooKeeper')).toBe(true);
    expect(news.some((each) => each.kind === 'mirrored' && each.path === '/services/web/i1' && each.to === 'Rollcall')).toBe(true);
  });
});

it.runIf(problem === undefined)('an operator of a ZooKeeper can follow the guide, and the application moves', { timeout: 240_000 }, async () => {
  const zookeeper = await startRealZooKeeper({ tickMs: 500 });
  const before = await clientOf(zookeeper.port);
  const clients = [before];
  let moved: Promise<void> | undefined;
  const move = async (address: string) => {
    const client = await clientOf(Number(address.split(':')[1]));
    clients.push(client);
    await register(client, 'o1');
    await before.close();
  };
  try {
    await register(before, 'o1');
    await playZooKeeperGuide(blocks, { oldAddress: zookeeper.address, timeoutMs: 120_000, onWaiting: (address) => void (moved = move(address)) });
    await moved;
    expect(moved).toBeDefined();
  } finally {
    for (const client of clients) client.destroy();
    await zookeeper.stop();
  }
});

it.runIf(problem === undefined)('the bridge of the guide reads a ZooKeeper over TLS that wants a certificate and a password', async () => {
  const authority = new TestAuthority();
  const bridge = authority.issue({ commonName: 'bridge' });
  const zookeeper = await startRealZooKeeper({ tickMs: 500, tls: { ...authority.issue(), ca: authority.cert } });
  try {
    const client = await openConnection({ host: '127.0.0.1', port: zookeeper.securePort ?? 0, tls: { ca: authority.cert, ...bridge }, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });
    expect(await client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from('app:secret') })).toMatchObject({ err: 0 });
    await register(client, 'o1', [{ perms: 31, id: { scheme: 'digest', id: `app:${createHash('sha1').update('app:secret').digest('base64')}` } }]);
    const files = { 'zookeeper-ca.pem': authority.cert, 'bridge.pem': bridge.cert, 'bridge-key.pem': bridge.key };
    const oldAddress = `127.0.0.1:${zookeeper.securePort}`;
    await playSecureBridge(blocks, { oldAddress, files: { ...files, 'zookeeper-auth': 'digest:app:secret\n' } });
    // Another password: it may not read the instance, and nothing is mirrored.
    await expect(playSecureBridge(blocks, { oldAddress, timeoutMs: 15_000, files: { ...files, 'zookeeper-auth': 'digest:app:wrong\n' } })).rejects.toThrow('refused');
    client.destroy();
  } finally {
    await zookeeper.stop();
  }
});
