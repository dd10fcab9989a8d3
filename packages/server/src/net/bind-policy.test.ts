import { describe, expect, it } from 'vitest';
import { isRegistryError } from '@rollcall/protocol';
import { assertBindAllowed, isLoopbackHost } from './bind-policy.ts';

const cases: readonly [host: string, loopback: boolean][] = [
  ['127.0.0.1', true],
  ['127.0.0.2', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['[::1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['localhost.', true],
  ['', false],
  ['0.0.0.0', false],
  ['::', false],
  ['[::]', false],
  ['::ffff:0.0.0.0', false],
  ['10.0.0.7', false],
  ['128.0.0.1', false],
  ['126.255.255.255', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['::2', false],
  ['fe80::1', false],
  ['fe80::1%eth0', false],
  ['::ffff:10.0.0.7', false],
  // Names are not resolved here, so a name that might be loopback is not.
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
  ['127.1', false],
  ['0x7f.1', false],
];

describe('loopback addresses', () => {
  it.each(cases)('%j is loopback: %s', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});

describe('a listener without authentication', () => {
  const bind = (host: string, more: { authenticated?: boolean; unsafe?: boolean } = {}) => () =>
    assertBindAllowed({
      host,
      port: 8500,
      authenticated: more.authenticated ?? false,
      unsafeAllowUnauthenticated: more.unsafe ?? false,
    });

  it.each(cases)('on %j is allowed: %s', (host, loopback) => {
    if (loopback) expect(bind(host)).not.toThrow();
    else expect(bind(host)).toThrow('refusing to listen');
    expect(bind(host, { unsafe: true })).not.toThrow();
    expect(bind(host, { authenticated: true })).not.toThrow();
  });

  it('is refused with the address, the reason and the way out', () => {
    let refusal: unknown;
    try {
      bind('0.0.0.0')();
    } catch (error) {
      refusal = error;
    }
    expect(isRegistryError(refusal, 'failed_precondition')).toBe(true);
    expect((refusal as Error).message).toBe(
      'refusing to listen on 0.0.0.0 (port 8500): it is not a loopback address and clients would need no ' +
        'authentication, so anyone who can reach it could read and change everything; listen on 127.0.0.1, or ' +
        'add --unsafe-allow-unauthenticated (unsafeAllowUnauthenticated) if that is what you want',
    );
  });

  it('on every interface is named as such', () => {
    expect(bind('')).toThrow('refusing to listen on every interface (port 8500)');
  });
});
