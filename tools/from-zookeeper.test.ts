/**
 * docs/guides/from-zookeeper.md, typed in. Another Rollcall stands for the ZooKeeper; `conformance/zookeeper/java/guide.test.ts` plays the
 * same with a real one and Curator's clients.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { openConnection, type Connection } from '../packages/server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../packages/server/src/clock.ts';
import { TestAuthority } from '../packages/server/src/net/certificates.case.ts';
import { playSecureBridge, playZooKeeperGuide } from './from-zookeeper.ts';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';

const clientOf = (port: number) => openConnection({ host: '127.0.0.1', port, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });

type Acl = { readonly perms: number; readonly id: { readonly scheme: string; readonly id: string } };
const open: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const blocks = blocksOf(readFileSync(join(root, 'docs/guides/from-zookeeper.md'), 'utf8'));

/** Registers an application as Curator's service discovery does. */
async function register(client: Connection, acl: readonly Acl[] = open): Promise<void> {
  const data = Buffer.from(JSON.stringify({ name: 'orders', id: 'o1', address: '127.0.0.1', port: 8080, sslPort: null, payload: null, registrationTimeUTC: 1_700_000_000_000, serviceType: 'DYNAMIC', uriSpec: null }));
  for (const path of ['/services', '/services/orders']) await client.request('createContainer', { path, data: null, acl, flags: 4 });
  await client.request('delete', { path: '/services/orders/o1', version: -1 });
  expect(await client.request('create', { path: '/services/orders/o1', data, acl, flags: 1 })).toMatchObject({ err: 0 });
}

it('an operator of a ZooKeeper can follow the guide, and the application moves without being lost', async () => {
  const old = await createServer({ zookeeper: { port: 0 } });
  const oldPort = old.ports.zookeeper ?? 0;
  const before = await clientOf(oldPort);
  const clients = [before];
  let moved: Promise<void> | undefined;
  const move = async (address: string) => {
    const client = await clientOf(Number(address.split(':')[1]));
    clients.push(client);
    await register(client);
    await before.close();
  };
  try {
    await register(before);
    await playZooKeeperGuide(blocks, { oldAddress: `127.0.0.1:${oldPort}`, onWaiting: (address) => void (moved = move(address)) });
    await moved;
    expect(moved).toBeDefined();
  } finally {
    for (const client of clients) client.destroy();
    await old.close();
  }
});

it('the bridge of the guide reads a ZooKeeper over TLS that wants a certificate and a password', async () => {
  const authority = new TestAuthority();
  const [own, bridge] = [authority.issue(), authority.issue({ commonName: 'bridge' })];
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-secure-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const tls = { certFile: file('cert', own.cert), keyFile: file('key', own.key), caFile: file('ca', authority.cert), verifyIncoming: true };
  const old = await createServer({ zookeeper: { port: 0, tls } });
  try {
    const port = old.ports.zookeeper ?? 0;
    const client = await openConnection({ host: '127.0.0.1', port, tls: { ca: authority.cert, ...bridge }, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });
    expect(await client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from('app:secret') })).toMatchObject({ err: 0 });
    await register(client, [{ perms: 31, id: { scheme: 'digest', id: `app:${createHash('sha1').update('app:secret').digest('base64')}` } }]);
    const files = { 'zookeeper-ca.pem': authority.cert, 'bridge.pem': bridge.cert, 'bridge-key.pem': bridge.key, 'zookeeper-auth': 'digest:app:secret\n' };
    await playSecureBridge(blocks, { oldAddress: `127.0.0.1:${port}`, files });
    client.destroy();
  } finally {
    await old.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
