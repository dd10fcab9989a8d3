/** `rollcall bridge` with servers over TLS that want certificates and credentials. Another Rollcall stands for the ZooKeeper. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Server } from '@rollcall/server';
import { expect, it, onTestFinished } from 'vitest';
import { openConnection, type Connection } from '../../server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../../server/src/clock.ts';
import { TestAuthority } from '../../server/src/net/certificates.case.ts';
import { folder, rollcall, start } from './processes.case.ts';

const authority = new TestAuthority();

/** Files of an authority and of two certificates that it has signed. */
function files() {
  const dir = folder();
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const [server, client] = [authority.issue(), authority.issue({ commonName: 'bridge' })];
  return {
    dir,
    write,
    ca: write('ca.pem', authority.cert),
    server: { certFile: write('server.pem', server.cert), keyFile: write('server-key.pem', server.key) },
    client: { certFile: write('client.pem', client.cert), keyFile: write('client-key.pem', client.key) },
    pem: { ca: authority.cert, cert: client.cert, key: client.key },
  };
}

async function serverOver(tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }): Promise<{ readonly server: Server; readonly port: number }> {
  const server = await createServer({ zookeeper: { port: 0, tickMs: 500, tls: { ...tls, verifyIncoming: true } } });
  onTestFinished(() => server.close());
  return { server, port: server.ports.zookeeper ?? 0 };
}

async function clientOf(port: number, tls: object, auth?: string): Promise<Connection> {
  const client = await openConnection({ host: '127.0.0.1', port, tls, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });
  onTestFinished(() => client.destroy());
  if (auth !== undefined) expect(await client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from(auth) })).toMatchObject({ err: 0 });
  return client;
}

const data = Buffer.from(JSON.stringify({ name: 'web', id: 'a', address: '10.0.0.1', port: 80, sslPort: null, payload: null, registrationTimeUTC: 1, serviceType: 'DYNAMIC', uriSpec: null }));

/** Registers an instance that only clients with the password may see. */
async function registerHidden(client: Connection, auth: string): Promise<void> {
  const [name = ''] = auth.split(':');
  const acl = [{ perms: 31, id: { scheme: 'digest', id: `${name}:${createHash('sha1').update(auth).digest('base64')}` } }];
  for (const path of ['/services', '/services/web']) expect(await client.request('create', { path, data: null, acl, flags: 0 })).toMatchObject({ err: 0 });
  expect(await client.request('create', { path: '/services/web/a', data, acl, flags: 1 })).toMatchObject({ err: 0 });
}

it('bridge mirrors between servers that want a certificate and a password', async () => {
  const { ca, server: own, client: { certFile, keyFile }, pem, write } = files();
  const [zooKeeper, registry] = [await serverOver({ ...own, caFile: ca }), await serverOver({ ...own, caFile: ca })];
  await registerHidden(await clientOf(zooKeeper.port, pem, 'app:secret'), 'app:secret');
  const seen = await clientOf(registry.port, pem);

  const certificates = ['--zookeeper-ca-file', ca, '--zookeeper-cert-file', certFile, '--zookeeper-key-file', keyFile, '--ca-file', ca, '--cert-file', certFile, '--key-file', keyFile];
  const ends = [`zookeeper+tls://127.0.0.1:${zooKeeper.port}`, '--registry', `zookeeper+tls://127.0.0.1:${registry.port}`];
  const bridge = start(['bridge', ...ends, ...certificates, '--zookeeper-auth-file', write('auth', 'digest:app:secret\n')]);
  await bridge.seen(/mirrored in Rollcall: \/services\/web\/a/);
  const reply = await seen.request('getData', { path: '/services/web/a', watch: false });
  expect(Buffer.from(reply.body?.data ?? []).equals(data)).toBe(true);
  bridge.child.kill('SIGTERM');
  expect(await bridge.ended).toMatchObject({ code: 0 });

  // The same as variables, and without the certificate.
  const env = { ZOOKEEPER_CA_FILE: ca, ROLLCALL_CA_FILE: ca, ROLLCALL_CERT_FILE: certFile, ROLLCALL_KEY_FILE: keyFile, ZOOKEEPER_AUTH: 'digest:app:secret' };
  const refused = start(['bridge', ...ends, '--name', 'other'], { env });
  await refused.seen(/no connection to ZooKeeper/);
  refused.child.kill('SIGTERM');
  await refused.ended;
  const cleaned = await rollcall(['bridge', ...ends, '--clean'], { env: { ...env, ZOOKEEPER_CERT_FILE: certFile, ZOOKEEPER_KEY_FILE: keyFile } });
  expect(cleaned).toMatchObject({ code: 0, stdout: expect.stringContaining('the registry: 1 mirrored registration removed') });
});

it.each([
  [['zk-1:2181'], {}, 2, '"zk-1:2181" is not the URL of a ZooKeeper; write zookeeper://HOST:PORT'],
  [['zookeeper://zk-1:2181', '--zookeeper-ca-file', '/ca.pem'], {}, 2, 'is not over TLS; write zookeeper+tls://HOST:PORT'],
  [['zookeeper+tls://zk-1:2181', '--zookeeper-cert-file', '/cert.pem'], {}, 2, 'certFile and keyFile belong together'],
  [['zookeeper+tls://zk-1:2181', '--zookeeper-ca-file', '/no/such.pem'], {}, 1, 'certificates of authorities (caFile)'],
  [['zookeeper://zk-1:2181', '--zookeeper-auth-file', '/no/such'], {}, 1, 'the credentials for the ZooKeeper: there is no /no/such'],
  [['zookeeper://zk-1:2181'], { ZOOKEEPER_AUTH: 'secret' }, 2, 'ZOOKEEPER_AUTH must have a scheme and its data, such as digest:NAME:PASSWORD'],
])('bridge %j with %j is refused', async (args, env, code, message) => {
  expect(await rollcall(['bridge', ...args], { env })).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
