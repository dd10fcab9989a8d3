/** Peers over HTTPS with an authority of their own, and the address for Eureka's clients over TLS. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { TestAuthority } from '../../../net/certificates.case.ts';
import { createServer, type Server, type ServerOptions } from '../../../server.ts';
import { instanceFields } from '../wire/write-json.ts';
import { springInstance } from './fake-eureka.case.ts';

const authority = new TestAuthority();

function files(): { readonly certFile: string; readonly keyFile: string; readonly caFile: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-eureka-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { cert, key } = authority.issue();
  const [certFile, keyFile, caFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem'), join(folder, 'ca.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  writeFileSync(caFile, authority.cert);
  return { certFile, keyFile, caFile };
}

async function start(options: ServerOptions): Promise<Server> {
  const server = await createServer({ engine: memory(), ...options });
  onTestFinished(() => server.close());
  return server;
}

const away = (server: Server) => fetch(`${server.url}/metrics`).then((answer) => answer.text()).then((page) => /^rollcall_eureka_peers_away (\d+)$/m.exec(page)?.[1]);

async function pair(trust: boolean): Promise<{ readonly old: Server; readonly server: Server }> {
  const { certFile, keyFile, caFile } = files();
  const old = await start({ nodeName: 'old', eureka: { port: 0, tls: { certFile, keyFile } } });
  const peers = [`https://127.0.0.1:${old.ports['eureka']}/eureka`];
  return { old, server: await start({ nodeName: 'new', eureka: { peers, ...(trust ? { peerCaFile: caFile } : {}) } }) };
}

it('a peer is checked against the authorities of the file', async () => {
  const { old, server } = await pair(true);
  const instance = instanceFields(springInstance('WEB', 'w1'));
  await fetch(`${server.url}/eureka/apps/WEB`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ instance }) });
  await vi.waitFor(async () => expect((await fetch(`${old.url}/eureka/apps/WEB/w1`)).status).toBe(200), { timeout: 20_000 });
  expect(await away(server)).toBe('0');
});

it('a peer with a certificate of another authority is told nothing', async () => {
  const { old, server } = await pair(false);
  await vi.waitFor(async () => expect(await away(server)).toBe('1'), { timeout: 20_000 });
  expect((await fetch(`${old.url}/eureka/apps/WEB`)).status).toBe(404);
});

it('the address for clients of Eureka speaks TLS only', async () => {
  const { old } = await pair(true);
  await expect(fetch(`http://127.0.0.1:${old.ports['eureka']}/eureka/apps`)).rejects.toThrow();
});

it('does not start with a file without certificates', async () => {
  const { keyFile } = files();
  await expect(createServer({ engine: memory(), eureka: { peers: ['https://127.0.0.1:1/eureka'], peerCaFile: keyFile } })).rejects.toThrow(/key\.pem holds no certificate in PEM/);
});
