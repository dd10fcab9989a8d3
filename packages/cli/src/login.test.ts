/** `login` and `logout` against a registry with an auth method. */

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folder, here, sharedRegistry } from './processes.case.ts';

const registry = sharedRegistry('--acl');
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

beforeAll(async () => {
  const put = async (path: string, body: object | undefined, token = '') => {
    const answer = await fetch(registry.url() + path, { method: 'PUT', body: body === undefined ? '' : JSON.stringify(body), headers: { 'X-Consul-Token': token } });
    expect(answer.status).toBe(200);
    return (await answer.json()) as { SecretID: string };
  };
  const { SecretID: management } = await put('/v1/acl/bootstrap', undefined);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await put('/v1/acl/auth-method', { Name: 'ci', Type: 'jwt', Config: { JWTValidationPubKeys: [pem], JWTSupportedAlgs: ['ES256'], BoundAudiences: ['rollcall'] } }, management);
  await put('/v1/acl/binding-rule', { AuthMethod: 'ci', BindType: 'service', BindName: 'web' }, management);
});

function jwt(key: KeyObject, audience: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'ES256' })}.${part({ aud: audience, iat: now, exp: now + 600 })}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function files() {
  const dir = folder();
  const [bearer, sink] = [join(dir, 'job.jwt'), join(dir, 'token')];
  writeFileSync(bearer, `${jwt(privateKey, 'rollcall')}\n`);
  return { dir, bearer, sink, args: ['--method', 'ci', '--bearer-token-file', bearer, '--token-sink-file', sink] };
}

const ask = (args: readonly string[], env = {}) => here([...args, '--addr', registry.url()], { env });

describe('login', () => {
  it('writes the token to a private file that other commands use, until logout ends it', async () => {
    const { sink, args } = files();
    // The environment may name the file before it is there.
    const env = { ROLLCALL_TOKEN_FILE: sink };
    const made = await ask(['login', ...args, '--meta', 'job=7'], env);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^accessor id {2}[0-9a-f-]{36}\n$/), stderr: '' });
    const secret = readFileSync(sink, 'utf8');
    expect(secret).toMatch(/^[0-9a-f-]{36}$/);
    expect(statSync(sink).mode & 0o777).toBe(0o600);
    expect(made.stdout).not.toContain(secret);
    expect((await ask(['services', 'register', '--name', 'web'], env)).code).toBe(0);
    expect((await ask(['services', 'register', '--name', 'other'], env)).code).toBe(9);
    expect(await ask(['logout'], env)).toMatchObject({ code: 0, stdout: 'logged out\n' });
    expect((await ask(['services', 'deregister', '--id', 'web'], env)).code).toBe(9);
    expect((await ask(['logout'], env)).code).toBe(9);
  });

  it('replaces an existing token, with the permissions of a new file', async () => {
    const { sink, args } = files();
    writeFileSync(sink, 'old', { mode: 0o644 });
    const printed = await ask(['login', ...args, '--json']);
    expect(JSON.parse(printed.stdout)).toMatchObject({ AccessorID: expect.any(String), AuthMethod: 'ci' });
    const secret = readFileSync(sink, 'utf8');
    expect(secret).toHaveLength(36);
    expect(printed.stdout).not.toContain(secret);
    expect(statSync(sink).mode & 0o777).toBe(0o600);
  });

  it('leaves the file unchanged when it is refused', async () => {
    const { sink, args, bearer } = files();
    writeFileSync(bearer, jwt(privateKey, 'another-subject'));
    expect((await ask(['login', ...args])).code).toBe(9);
    expect(existsSync(sink)).toBe(false);
    writeFileSync(bearer, jwt(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'rollcall'));
    expect((await ask(['login', ...args])).code).toBe(9);
  });

  it('asks for no token when it cannot write the file', async () => {
    const { dir, bearer } = files();
    const to = (sink: string) => ask(['login', '--method', 'ci', '--bearer-token-file', bearer, '--token-sink-file', sink]);
    expect(await to(join(dir, 'no', 'such', 'token'))).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot write the token: ENOENT') });
    mkdirSync(join(dir, 'folder'));
    expect(await to(join(dir, 'folder'))).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot write the token: .*folder/) });
    const absent = await ask(['login', '--method', 'ci', '--bearer-token-file', join(dir, 'absent'), '--token-sink-file', join(dir, 't')]);
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read the bearer token: ENOENT') });
  });

  it('logout without a token is a usage error', async () => {
    expect(await ask(['logout'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--token-file') });
  });
});
