/** Logins that prove nothing are slowed down by address, as wrong tokens are. */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, it, onTestFinished } from 'vitest';
import { manualClock } from '../../../manual-clock.case.ts';
import { defaultFailureLimits } from '../../../security/failure-limiter.ts';
import { Consul } from '../consul.case.ts';

it('a login with a bad proof is refused, and after many of them also a good one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-login-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const auditFile = join(folder, 'audit.log');
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Time stands still: nothing is forgiven meanwhile.
  const clock = manualClock();
  const nowSeconds = clock.now() / 1_000;
  const root = { headers: { 'X-Consul-Token': 'root' } };
  {
    await using consul = await Consul.start({ acl: { initialManagement: 'root' }, auditFile, clock });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const method = { Name: 'ci', Type: 'jwt', Config: { JWTValidationPubKeys: [pem], JWTSupportedAlgs: ['ES256'], BoundAudiences: ['rollcall'] } };
    expect((await consul.put('/v1/acl/auth-method', method, root)).status).toBe(200);
    const rule = { AuthMethod: 'ci', BindType: 'service', BindName: 'web' };
    expect((await consul.put('/v1/acl/binding-rule', rule, root)).status).toBe(200);
    const good = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).setAudience('rollcall').setIssuedAt(nowSeconds).setExpirationTime(nowSeconds + 3_600).sign(privateKey);
    const login = (method: string, token: string) => consul.ask('POST', '/v1/acl/login', { body: JSON.stringify({ AuthMethod: method, BearerToken: token }) });

    expect((await login('ci', good)).status).toBe(200);
    const statuses: number[] = [];
    // Neither is told apart from the other: names of methods are not for guessing either.
    for (let time = 0; time < defaultFailureLimits.burst + 10; time++) {
      statuses.push((await login(time % 2 === 0 ? 'ci' : 'unknown', `${good.slice(0, -8)}AAAAAAAA`)).status);
    }
    const { burst } = defaultFailureLimits;
    expect(statuses).toEqual([...Array<number>(burst).fill(403), ...Array<number>(10).fill(429)]);
    const refused = await login('ci', good);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
    clock.advance(1_000);
    expect((await login('ci', good)).status).toBe(200);
    // A caller with a valid token is not slowed down.
    expect((await consul.get('/v1/acl/token/self', root)).status).toBe(200);
  }
  const kinds = readFileSync(auditFile, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { kind: string }).kind);
  const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
  expect([count('login'), count('unauthenticated')]).toEqual([2, defaultFailureLimits.burst]);
});
