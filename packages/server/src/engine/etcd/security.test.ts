/** The engine `etcd` over TLS, with client certificates and with etcd's users. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdProblem, startEtcd, type EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { TestAuthority } from '../../net/certificates.case.ts';
import { commit } from '../calls.case.ts';
import { etcd, type EtcdOptions } from './etcd.ts';
import { gateway } from './gateway.case.ts';

const problem = etcdProblem();
const leftOut = problem === undefined ? '' : ` (left out: ${problem})`;
let dir: string;
let cluster: EtcdCluster | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-etcd-tls-'));
});
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  rmSync(dir, { recursive: true });
});

function written(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** Opens an engine, writes through it and closes it. */
async function use(options: EtcdOptions): Promise<number> {
  const engine = await etcd(options);
  try {
    return await commit(engine, { put: { a: '1' } });
  } finally {
    await engine.close();
  }
}

describe.skipIf(problem !== undefined)(`engine etcd, secured${leftOut}`, () => {
  it('checks the certificate of etcd and shows its own', async () => {
    const authority = new TestAuthority('etcd authority');
    const member = authority.issue();
    const node = authority.issue({ commonName: 'node' });
    const other = new TestAuthority('other authority').issue({ commonName: 'node' });
    const caFile = written('ca.pem', authority.cert);
    const files = ['--cert-file', written('etcd.pem', member.cert), '--key-file', written('etcd.key', member.key)];
    cluster = await startEtcd({ clientScheme: 'https', args: [...files, '--client-cert-auth', '--trusted-ca-file', caFile] });
    const { urls } = cluster;
    const own = { certFile: written('node.pem', node.cert), keyFile: written('node.key', node.key) };
    expect(await use({ urls, caFile, ...own })).toBeGreaterThan(0);
    await expect(etcd({ urls, ...own })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/certificate/) as string });
    await expect(etcd({ urls, caFile })).rejects.toMatchObject({ code: 'unavailable' });
    const foreign = { certFile: written('other.pem', other.cert), keyFile: written('other.key', other.key) };
    await expect(etcd({ urls, caFile, ...foreign })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuses a certificate that is for another host', async () => {
    const authority = new TestAuthority('etcd authority');
    const elsewhere = authority.issue({ names: ['elsewhere.example', '127.0.0.2'] });
    const files = ['--cert-file', written('etcd.pem', elsewhere.cert), '--key-file', written('etcd.key', elsewhere.key)];
    cluster = await startEtcd({ clientScheme: 'https', args: files });
    const opening = etcd({ urls: cluster.urls, caFile: written('ca.pem', authority.cert) });
    await expect(opening).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/127\.0\.0\.1 is not in the cert/) as string });
  });

  it('logs in as a user, again when its token is no longer valid, and needs rights to its prefix only', async () => {
    cluster = await startEtcd({ args: ['--auth-token-ttl=1'] });
    const { urls } = cluster;
    const call = gateway(urls[0]);
    await call.post('auth/user/add', { name: 'root', password: 'r' });
    await call.post('auth/user/grant', { user: 'root', role: 'root' });
    await call.post('auth/user/add', { name: 'node', password: 'p' });
    await call.post('auth/role/add', { name: 'registry' });
    const perm = { permType: 'READWRITE', key: base64('rollcall/'), range_end: base64('rollcall0') };
    await call.post('auth/role/grant', { name: 'registry', perm });
    await call.post('auth/user/grant', { user: 'node', role: 'registry' });
    await call.post('auth/enable', {});

    const login = { user: 'node', passwordFile: written('password', 'p\n') };
    const engine = await etcd({ urls, ...login });
    const first = await commit(engine, { put: { a: '1' } });
    // The token ends after a second without use, but the check of the member uses it. A restart of the member ends it.
    await cluster.members[0].kill();
    await cluster.members[0].start();
    let next = 0;
    while (next === 0) next = await commit(engine, { put: { a: '2' } }).catch(() => 0);
    expect(next).toBeGreaterThan(first);
    const held = await engine.presence?.hold('one');
    await held?.release();
    await engine.close();

    await expect(etcd({ urls })).rejects.toMatchObject({ message: expect.stringContaining('--engine-user') as string });
    await expect(etcd({ urls, user: 'node', passwordFile: written('wrong', 'q') })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('invalid user ID or password') as string,
    });
    await expect(etcd({ urls, ...login, prefix: 'elsewhere' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('readwrite') as string,
    });
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
