/** Access control from nothing, as a new operator sets it up, over real processes. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../server/src/net/certificates.case.ts';
import { exitCodes } from './failure.ts';
import { freePort } from '../../../conformance/free-ports.mjs';
import { folder, here, rollcall, serve, sharedRegistry, start, type Ended } from './processes.case.ts';

const registry = sharedRegistry('--acl');
let dir: string;

/** Runs a command against the registry, with the token of a file; in this process, since there are many. */
function ask(args: readonly string[], token?: string, input = ''): Promise<Omit<Ended, 'signal'>> {
  const all = [...args, '--addr', registry.url(), ...(token === undefined ? [] : ['--token-file', join(dir, token)])];
  return here(all, { input });
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-acl-'));
  const args = ['acl', 'bootstrap', '--secret-out', join(dir, 'management'), '--addr', registry.url()];
  expect(await rollcall(args, { shared: true })).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the bootstrap', () => {
  it('wrote a secret that only its owner can read, and works once', async () => {
    expect(readFileSync(join(dir, 'management'), 'utf8')).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(statSync(join(dir, 'management')).mode & 0o777).toBe(0o600);
    const again = await ask(['acl', 'bootstrap']);
    expect(again).toMatchObject({ code: exitCodes.denied, stdout: '' });
    expect(again.stderr).toMatch(/^rollcall: Permission denied: ACL bootstrap no longer allowed/);
  });

  it('does not overwrite an existing file', async () => {
    const refused = await ask(['acl', 'token', 'create', '--service-identity', 'web', '--secret-out', join(dir, 'management')], 'management');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('EEXIST') });
    expect((await ask(['acl', 'token', 'list'], 'management')).code).toBe(0);
  });

  it('leaves no file behind when it is refused', async () => {
    expect(await ask(['acl', 'bootstrap', '--secret-out', join(dir, 'second')])).toMatchObject({ code: exitCodes.denied });
    expect(() => statSync(join(dir, 'second'))).toThrow('ENOENT');
  });
});

describe('policies', () => {
  it('are created, listed, read, changed and removed', async () => {
    writeFileSync(join(dir, 'readers.hcl'), 'service_prefix "" {\n  policy = "read"\n}\n');
    const made = await ask(['acl', 'policy', 'create', 'readers', '--rules', join(dir, 'readers.hcl'), '--description', 'those who look'], 'management');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) });
    expect((await ask(['acl', 'policy', 'list'], 'management')).stdout).toMatch(/^readers +[0-9a-f-]{36} +those who look$/m);
    expect((await ask(['acl', 'policy', 'read', 'readers'], 'management')).stdout).toBe('service_prefix "" {\n  policy = "read"\n}\n');
    expect(await ask(['acl', 'policy', 'update', 'readers', '--rules', '-'], 'management', 'key "a" { policy = "read" }')).toMatchObject({ code: 0 });
    const read = await ask(['acl', 'policy', 'read', 'readers', '--json'], 'management');
    expect(JSON.parse(read.stdout)).toMatchObject({ Rules: 'key "a" { policy = "read" }', Description: 'those who look' });
    expect(await ask(['acl', 'policy', 'delete', 'readers'], 'management')).toMatchObject({ code: 0, stdout: '' });
    expect(await ask(['acl', 'policy', 'read', 'readers'], 'management')).toMatchObject({ code: exitCodes.notFound });
  });

  it('with wrong rules are refused with the place', async () => {
    const refused = await ask(['acl', 'policy', 'create', 'broken', '--rules', '-'], 'management', 'service "web" { policy = "wrong" }');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^rollcall: .*wrong/) });
  });
});

describe('tokens', () => {
  it('are created, listed, read and removed', async () => {
    const made = await ask(['acl', 'token', 'create', '--service-identity', 'web', '--node-identity', 'n1:dc1', '--ttl', '1h', '--description', 'of web'], 'management');
    const [, id = '', secret = ''] = /^accessor id +(\S+)\nsecret +(\S+)\n$/.exec(made.stdout) ?? [];
    expect(made.stderr).toContain('shown this one time');
    const list = await ask(['acl', 'token', 'list'], 'management');
    expect(list.stdout).toMatch(new RegExp(`^${id} +service web, node n1:dc1 +\\S+ +of web$`, 'm'));
    const read = await ask(['acl', 'token', 'read', id], 'management');
    expect(read.stdout).toContain('service web');
    expect(list.stdout + read.stdout).not.toContain(secret);
    expect(await ask(['acl', 'token', 'delete', id], 'management')).toMatchObject({ code: 0 });
    expect((await ask(['acl', 'token', 'read', id], 'management')).code).not.toBe(0);
  });

  it('without permissions, or with a node without its datacenter, are usage errors', async () => {
    expect(await ask(['acl', 'token', 'create'], 'management')).toMatchObject({ code: exitCodes.usage });
    expect(await ask(['acl', 'token', 'create', '--node-identity', 'n1'], 'management')).toMatchObject({
      code: exitCodes.usage,
      stderr: expect.stringContaining('NODE:DATACENTER'),
    });
  });
});

describe('can-i', () => {
  it('says yes or no, by which rule, and who can grant it', async () => {
    writeFileSync(join(dir, 'shop.hcl'), 'service "shop" { policy = "read" }');
    await ask(['acl', 'policy', 'create', 'shop-readers', '--rules', join(dir, 'shop.hcl')], 'management');
    await ask(['acl', 'token', 'create', '--policy', 'shop-readers', '--description', 'of shop', '--secret-out', join(dir, 'shop')], 'management');
    expect(await ask(['acl', 'can-i', 'read', 'service', 'shop'], 'shop')).toEqual({ code: 0, stderr: '', stdout: 'yes: of shop may read service "shop" in namespace default\nrule: service "shop" { policy = "read" } (policy shop-readers)\n' });
    const no = await ask(['acl', 'can-i', 'write', 'service', 'shop'], 'shop');
    expect(no).toMatchObject({ code: exitCodes.denied, stderr: 'rollcall: of shop may not write service "shop" in namespace default\n' });
    expect(no.stdout).toContain('rule: service "shop" { policy = "read" } (policy shop-readers)\ntokens that can grant it: Bootstrap Token');
    const asked = JSON.parse((await ask(['acl', 'can-i', 'write', 'operator', '--json'], 'management')).stdout) as { allowed: boolean };
    expect(asked.allowed).toBe(true);
    const publish = await ask(['acl', 'can-i', 'publish', 'config', 'shop/app'], 'shop');
    expect(publish).toMatchObject({ code: exitCodes.denied, stderr: 'rollcall: of shop may not publish config "shop/app" (config-publish:write) in namespace default\n' });
    expect((await ask(['acl', 'can-i', 'edit', 'config', 'shop/app'], 'management')).stdout).toMatch(/^yes: Bootstrap Token.* may edit config "shop\/app" \(config:write\) in namespace default\n/);
    expect(await ask(['acl', 'can-i', 'eat', 'service', 'shop'], 'shop')).toMatchObject({ code: exitCodes.failure, stderr: expect.stringContaining('verb must be one of read, list, write') });
  });
});

describe('every command', () => {
  it('says which permission is missing, and which token the registry does not know', async () => {
    await ask(['acl', 'token', 'create', '--service-identity', 'web', '--secret-out', join(dir, 'web')], 'management');
    writeFileSync(join(dir, 'wrong'), 'not-a-token');
    writeFileSync(join(dir, 'dump'), '');
    const commands: readonly [args: readonly string[], permission: string][] = [
      [['kv', 'get', 'a'], "'key:read' on \"a\""],
      [['kv', 'put', 'a', 'b'], "'key:write' on \"a\""],
      [['kv', 'delete', 'a'], "'key:write' on \"a\""],
      [['kv', 'watch', 'a'], "'key:read' on \"a\""],
      [['backup', '-'], "'acl:write'"],
      [['restore', join(dir, 'dump')], "'acl:write'"],
      [['acl', 'token', 'list'], "'acl:read'"],
      [['acl', 'policy', 'create', 'p', '--rules', join(dir, 'dump')], "'acl:write'"],
    ];
    for (const [args, permission] of commands) {
      const denied = await ask(args, 'web');
      expect([args, denied.code, denied.stdout], denied.stderr).toEqual([args, exitCodes.denied, '']);
      expect(denied.stderr).toContain(`lacks permission ${permission}`);
    }
    for (const args of [['services'], ['instances', 'web'], ['watch', 'web'], ['kv', 'list'], ['backup', '-'], ['acl', 'token', 'list']]) {
      const unknown = await ask(args, 'wrong');
      expect([args, unknown.code], unknown.stderr).toEqual([args, exitCodes.denied]);
      expect(unknown.stderr).toMatch(/^rollcall: .*(ACL not found|no token has this secret).*--token-file or ROLLCALL_TOKEN\n$/);
    }
    for (const args of [['watch', 'web'], ['kv', 'get', 'a'], ['acl', 'token', 'list']]) {
      expect(await ask(args)).toMatchObject({ code: exitCodes.denied, stderr: expect.stringMatching(/:read'.*; no token was given: name one with --token-file or ROLLCALL_TOKEN\n$/) });
    }
    expect(await ask(['services'])).toMatchObject({ code: 0, stderr: 'rollcall: no services are registered, or none that this caller may read\n' });
  });

  it('takes the token from the environment, too', async () => {
    const secret = readFileSync(join(dir, 'management'), 'utf8').trim();
    const args = ['kv', 'put', 'env', 'x', '--addr', registry.url()];
    expect(await rollcall(args, { env: { ROLLCALL_TOKEN: secret } })).toMatchObject({ code: 0 });
    expect(await rollcall(args, { env: { ROLLCALL_TOKEN_FILE: join(dir, 'management') } })).toMatchObject({ code: 0 });
    expect(await rollcall(args, { env: { ROLLCALL_TOKEN: secret, ROLLCALL_TOKEN_FILE: join(dir, 'management') } })).toMatchObject({ code: exitCodes.usage });
    expect(await rollcall([...args, '--token-file', join(dir, 'missing')])).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read the token file') });
  });

  it('reports a registry without access control', async () => {
    const open = await serve();
    expect(await rollcall(['acl', 'token', 'list', '--addr', open.url])).toMatchObject({ code: 1, stderr: expect.stringContaining('rollcall serve --acl') });
  });
});

describe('rollcall run', () => {
  it('registers with the token of its service, also when the token is created later', async () => {
    const port = await freePort();
    const tokenFile = join(dir, 'late');
    const program = `require('http').createServer((q, s) => s.end()).listen(${port}, '127.0.0.1')`;
    const running = start(['run', 'late', '--port', String(port), '--addr', registry.url(), '--token-file', tokenFile, '--', process.execPath, '-e', program]);
    await running.seen(/cannot read the token file/, 'stderr');
    await ask(['acl', 'token', 'create', '--service-identity', 'late', '--secret-out', tokenFile], 'management');
    await running.seen(/registered late-\d+ as an instance of late/, 'stderr');
    running.child.kill('SIGTERM');
    await running.ended;
  });
});

describe('an entry that the token may not read', () => {
  it('is left out of lists, with a remark', async () => {
    writeFileSync(join(dir, 'part.hcl'), 'key_prefix "part/" {\n  policy = "read"\n}\nnode_prefix "none" {\n  policy = "read"\n}\n');
    await ask(['acl', 'policy', 'create', 'part', '--rules', join(dir, 'part.hcl')], 'management');
    await ask(['acl', 'token', 'create', '--policy', 'part', '--secret-out', join(dir, 'part')], 'management');
    for (const key of ['part/a', 'whole/b']) await ask(['kv', 'put', key, 'x'], 'management');
    const leftOut = 'rollcall: what the token may not read is left out\n';
    const exported = await ask(['kv', 'export'], 'part');
    expect(exported).toMatchObject({ code: 0, stderr: leftOut });
    expect(JSON.parse(exported.stdout)).toMatchObject([{ key: 'part/a' }]);
    expect(await ask(['kv', 'export', 'part/'], 'part')).toMatchObject({ code: 0, stderr: '' });
    expect(await ask(['members'], 'part')).toMatchObject({ code: 3, stderr: `${leftOut}rollcall: no member matches\n` });
    expect(await ask(['watch', '--type', 'nodes', '--once'], 'part')).toMatchObject({ code: 0, stdout: '[]\n', stderr: leftOut });
  });
});

describe('TLS', () => {
  it('works with the right certificates, and has a separate error for each wrong one', async () => {
    const files = folder();
    const authority = new TestAuthority();
    const { cert, key } = authority.issue();
    const own = authority.issue({ names: ['a client'] });
    const path = (name: string, text: string) => {
      writeFileSync(join(files, name), text, { mode: 0o600 });
      return join(files, name);
    };
    const ca = path('ca.pem', authority.cert);
    const [certFile, keyFile] = [path('own.pem', own.cert), path('own.key', own.key)];
    const secure = await serve(
      ...['--http', 'off', '--https', '127.0.0.1:0', '--tls-cert-file', path('cert.pem', cert), '--tls-key-file', path('key.pem', key)],
      ...['--tls-ca-file', ca, '--tls-verify-incoming'],
    );
    expect(secure.url).toMatch(/^https:/);
    const to = (args: readonly string[], env = {}) => rollcall([...args, '--addr', secure.url], { env });
    const all = ['--ca-file', ca, '--cert-file', certFile, '--key-file', keyFile];
    expect(await to(['kv', 'put', 'a', 'x', ...all])).toMatchObject({ code: 0, stderr: '' });
    const env = { ROLLCALL_CA_FILE: ca, ROLLCALL_CERT_FILE: certFile, ROLLCALL_KEY_FILE: keyFile };
    expect(await to(['kv', 'get', 'a'], env)).toMatchObject({ code: 0, stdout: 'x' });
    expect(await to(['watch', '--type', 'key', '--key', 'a', '--once'], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('"Value":"eA=="') });
    expect(await rollcall(['lock', 'p', '--', 'echo', 'held'], { env: { ...env, ROLLCALL_HTTP_ADDR: secure.url } })).toMatchObject({ code: 0, stdout: 'held\n' });
    expect(await to(['services'])).toMatchObject({ code: exitCodes.unreachable, stderr: expect.stringContaining('name the authority\'s certificate with caFile (--ca-file') });
    expect(await to(['services', '--ca-file', ca])).toMatchObject({ code: exitCodes.unreachable, stderr: expect.stringContaining('--cert-file') });
    expect(await to(['services', '--cert-file', certFile])).toMatchObject({ code: exitCodes.usage });
    expect(await rollcall(['services', '--addr', secure.url.replace('https', 'http')])).toMatchObject({
      code: exitCodes.unreachable,
      stderr: expect.stringContaining('write https://'),
    });
  });
});
