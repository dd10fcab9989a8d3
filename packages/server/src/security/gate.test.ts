/** The gate where an attacker guesses: at tokens and logins. The tests of the front ends cover the rest. */

import { RegistryError } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import type { Acl, Caller } from './acl.ts';
import type { Audit, AuditEvent } from './audit.ts';
import { FailureLimiter } from './failure-limiter.ts';
import { Gate, TooManyFailures } from './gate.ts';

/** Knows one token. */
const acl = { enabled: true, find: (secret: string) => (secret === 'good' ? ({ accessorId: 'one' } as Caller) : undefined) };

function gated(burst: number) {
  const clock = manualClock();
  const limiter = new FailureLimiter({ burst, perSecond: 1, addressesMax: 10, tokensMax: 10 });
  const lines: string[] = [];
  const audit = { record: ({ kind, action }: AuditEvent) => void lines.push(`${kind}: ${action}`) } as unknown as Audit;
  const gate = new Gate({ acl: acl as unknown as Acl, limiter, clock, audit });
  const enter = (secret: string, address = '10.0.0.7') => gate.enter(secret, { address, via: 'consul' });
  let attempts = 0;
  const login = (code: 'unauthenticated' | 'permission_denied' | 'unavailable' | 'ok', address = '10.0.0.7') =>
    gate.prove({ address, via: 'consul' }, () => {
      attempts++;
      return code === 'ok' ? Promise.resolve('token') : Promise.reject(new RegistryError(code, 'no'));
    });
  return { clock, enter, login, lines, attempts: () => attempts };
}

describe('logins', () => {
  it('that fail are slowed down by address; then logins are refused without a try', async () => {
    const { clock, login, attempts } = gated(3);
    for (const code of ['unauthenticated', 'permission_denied', 'unauthenticated'] as const) {
      await expect(login(code)).rejects.toMatchObject({ code });
    }
    const refused = login('ok');
    await expect(refused).rejects.toBeInstanceOf(TooManyFailures);
    await expect(refused).rejects.toMatchObject({ code: 'resource_exhausted', retryAfterMs: 1_000 });
    expect(attempts()).toBe(3);
    expect(await login('ok', '10.0.0.8')).toBe('token');
    clock.advance(1_000);
    expect(await login('ok')).toBe('token');
  });

  it('that succeed, or fail because of the server, do not count', async () => {
    const { login } = gated(1);
    for (let time = 0; time < 5; time++) {
      expect(await login('ok')).toBe('token');
      await expect(login('unavailable')).rejects.toMatchObject({ code: 'unavailable' });
    }
  });

  it('that fail concurrently are counted one by one', async () => {
    const { login } = gated(2);
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => login('unauthenticated')));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as RegistryError).code : 'ok'));
    expect(codes).toEqual(['unauthenticated', 'unauthenticated', 'resource_exhausted', 'resource_exhausted', 'resource_exhausted']);
  });
});

describe('unknown tokens', () => {
  it('are refused, then slowed down; a token that was valid from that address before is still accepted', () => {
    const { clock, enter, lines } = gated(3);
    expect(enter('good').accessorId).toBe('one');
    for (let time = 0; time < 3; time++) {
      expect(() => enter('wrong')).toThrow(expect.objectContaining({ code: 'unauthenticated', message: 'no token has this secret, or the token has expired' }));
    }
    for (let time = 0; time < 100; time++) {
      expect(() => enter('wrong')).toThrow(expect.objectContaining({ code: 'resource_exhausted', retryAfterMs: 1_000 }));
    }
    expect(enter('good').accessorId).toBe('one');
    // No wrong token has come from this address yet.
    expect(enter('good', '10.0.0.8').accessorId).toBe('one');
    expect(lines).toEqual(Array(3).fill('unauthenticated: an unknown token'));
    clock.advance(1_000);
    expect(() => enter('wrong')).toThrow('no token has this secret, or the token has expired');
  });
});
