/** `rollcall serve` reachable from other machines: TLS, access control, Unix sockets, and refused settings. */

import { statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecure, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../../server/src/net/certificates.case.ts';
import { folder, rollcall, start } from './processes.case.ts';

const authority = new TestAuthority();

/** Flags of a certificate in a separate folder. */
function certified() {
  const dir = folder();
  const certFile = join(dir, 'cert.pem');
  const keyFile = join(dir, 'key.pem');
  const renew = () => {
    const { cert, key } = authority.issue();
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
  };
  renew();
  return { dir, certFile, renew, flags: ['--tls-cert-file', certFile, '--tls-key-file', keyFile] };
}

async function serveSecure(...args: string[]): Promise<ReturnType<typeof start> & { url: string; https: string }> {
  const started = start(['serve', '--json', '--dns', 'off', '--log-level', 'info', '--dev', ...args]);
  const [line] = await started.seen(/^\{.*\}$/m);
  const { url, https } = JSON.parse(line) as { url: string; https: string };
  return { ...started, url, https };
}

function ready(url: string, options: RequestOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = getSecure(`${url}/readyz`, { ca: authority.cert, agent: false, ...options }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

function serial(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: authority.cert }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('rollcall serve --https', () => {
  it('serves TLS beside HTTP, and uses a renewed certificate at SIGHUP', async () => {
    const { flags, renew, certFile } = certified();
    const server = await serveSecure('--http', '127.0.0.1:0', '--https', '127.0.0.1:0', ...flags);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(await ready(server.https)).toBe(200);
    const before = await serial(server.https);
    renew();
    server.child.kill('SIGHUP');
    await server.seen(/new certificate in use/, 'stderr');
    expect(await serial(server.https)).not.toBe(before);
    writeFileSync(certFile, 'broken');
    server.child.kill('SIGHUP');
    await server.seen(/the new certificate is not used, the old one is/, 'stderr');
    expect(await ready(server.https)).toBe(200);
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('alone, with client certificates, is described in the output', async () => {
    const { flags, dir } = certified();
    const clients = new TestAuthority('clients');
    writeFileSync(join(dir, 'ca.pem'), clients.cert);
    const mutual = ['--tls-ca-file', join(dir, 'ca.pem'), '--tls-verify-incoming', '--tls-min-version', '1.3'];
    const server = start(['serve', '--dev', '--dns', 'off', '--http', 'off', '--https', '127.0.0.1:0', ...flags, ...mutual]);
    const [, url = ''] = await server.seen(/HTTPS {2}(https:\S+), for clients with a certificate$/m);
    expect((await server.seen(/running[^]*stops it/))[0]).not.toMatch(/HTTP /);
    expect(await ready(url, clients.issue({ names: [] }))).toBe(200);
    await expect(ready(url)).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/);
  });

  it('is reached by other machines only with access control', async () => {
    const { flags, dir } = certified();
    const open = ['serve', '--dev', '--dns', 'off', '--http', 'off', '--https', '0.0.0.0:0', ...flags];
    const refused = await rollcall(open);
    expect(refused).toMatchObject({ code: 8, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: refusing to listen on 0\.0\.0\.0 .*there is no access control.*--acl.*\n$/);
    const audit = join(dir, 'audit.log');
    const server = await serveSecure('--http', 'off', '--https', '0.0.0.0:0', ...flags, '--acl', '--audit-log', audit);
    expect(await ready(`https://127.0.0.1:${new URL(server.https).port}`)).toBe(200);
    expect(statSync(audit).mode & 0o777).toBe(0o600);
  });

  it.each<[string, string[], number, string]>([
    ['no certificate', ['--https', '127.0.0.1:0'], 2, 'name them with --tls-cert-file and --tls-key-file'],
    ['a certificate without TLS', ['--tls-cert-file', 'x'], 2, 'https is off'],
    ['plain HTTP for others in spite of access control', ['--http', '0.0.0.0:0', '--acl'], 8, 'there is no TLS'],
    ['DNS for others', ['--dns', '0.0.0.0:0'], 8, 'there is no access control'],
    [
      'a missing certificate',
      ['--https', '127.0.0.1:0', '--tls-cert-file', '/nowhere/c.pem', '--tls-key-file', '/nowhere/k.pem'],
      2,
      'cannot read /nowhere/c.pem',
    ],
  ])('is refused with %s', async (_name, args, code, message) => {
    const refused = await rollcall(['serve', '--dev', '--http', '127.0.0.1:0', '--dns', 'off', ...args]);
    expect(refused).toMatchObject({ code, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: .*\n$/);
    expect(refused.stderr).toContain(message);
  });
});

describe('rollcall serve on a Unix socket', () => {
  it('serves there, with the owner and mode of the configuration', async () => {
    const dir = folder();
    const path = join(dir, 'r.sock');
    writeFileSync(join(dir, 'c.json'), JSON.stringify({ http: `unix://${path}`, unixSockets: { mode: '660' }, dns: 'off', dev: true }));
    const server = start(['serve', '--config', join(dir, 'c.json')]);
    await server.seen(/HTTP {2}unix:\/\/\S+r\.sock$/m);
    await server.seen(/curl --unix-socket \S+r\.sock http:\/\/localhost\/v1\//);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    const status = await new Promise((resolve, reject) => {
      get({ socketPath: path, path: '/readyz' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
  });
});

describe('secrets of the first token', () => {
  it('come from the environment or the file, not from the command line', async () => {
    const flag = await rollcall(['serve', '--dev', '--acl', '--acl-initial-management', 'root']);
    expect(flag.code).toBe(2);
    expect(flag.stderr).toContain("unknown option '--acl-initial-management'");
    const dir = folder();
    writeFileSync(join(dir, 'c.json'), JSON.stringify({ aclInitialManagement: 'a-secret' }));
    const off = await rollcall(['serve', '--dev', '--config', join(dir, 'c.json')]);
    expect(off.code).toBe(2);
    expect(off.stderr).toContain('a token is set, but access control is off');
    expect(off.stderr).not.toContain('a-secret');
  });
});
