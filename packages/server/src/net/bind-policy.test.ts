import { describe, expect, it } from 'vitest';
import { isRegistryError } from '@rollcall/protocol';
import { assertBindAllowed, isLoopbackHost, type BindPolicy } from './bind-policy.ts';
import type { ListenAddress } from './listen-address.ts';

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

const tls = { certFile: 'cert.pem', keyFile: 'key.pem' };
/** What the policy asks about each listener of the server. */
const listeners = { http: { tokens: true }, https: { tokens: true, tls }, dns: { tokens: false } } satisfies Record<string, Partial<ListenAddress>>;

const bind = (host: string, policy: Partial<BindPolicy> = {}, name: keyof typeof listeners = 'http') => () => {
  const open = { accessControl: 'off', unsafeAllowUnauthenticated: false, unsafeAllowPlaintext: false } as const;
  assertBindAllowed({ name, at: { host, port: 8500 }, ...listeners[name] }, { ...open, ...policy });
};

describe('a listener without TLS and access control', () => {
  it.each(cases)('on %j is allowed: %s', (host, loopback) => {
    if (loopback) expect(bind(host)).not.toThrow();
    else expect(bind(host)).toThrow('refusing to listen');
    expect(bind(host, { unsafeAllowUnauthenticated: true })).not.toThrow();
    expect(bind(host, { accessControl: 'deny' }, 'https')).not.toThrow();
  });

  it('is refused with the address, the missing protection and the options to allow it', () => {
    let refusal: unknown;
    try {
      bind('0.0.0.0')();
    } catch (error) {
      refusal = error;
    }
    expect(isRegistryError(refusal, 'failed_precondition')).toBe(true);
    expect((refusal as Error).message).toBe(
      'refusing to listen on 0.0.0.0 (http, port 8500): other machines can reach it; there is no access control, so ' +
        'every machine there could read and change everything: switch it on with --acl (acl); there is no TLS, so tokens ' +
        'could be read on their way: serve it over TLS (for HTTP: --https with --tls-cert-file and --tls-key-file); or listen on ' +
        '127.0.0.1, or add --unsafe-allow-unauthenticated (unsafeAllowUnauthenticated) if that is intended',
    );
  });

  it('on every interface is named as such', () => {
    expect(bind('')).toThrow('refusing to listen on every interface (http, port 8500)');
  });
});

describe('a listener that other machines reach', () => {
  const noTls = 'there is no TLS';
  const noAcl = 'there is no access control';
  const weakAcl = 'access control allows what no rule forbids';
  it.each<[name: keyof typeof listeners, BindPolicy['accessControl'], string[]]>([
    ['http', 'off', [noAcl, noTls]],
    ['http', 'allow', [weakAcl, noTls]],
    ['http', 'deny', [noTls]],
    ['https', 'off', [noAcl]],
    ['https', 'allow', [weakAcl]],
    ['https', 'deny', []],
    ['dns', 'off', [noAcl]],
    ['dns', 'allow', [weakAcl]],
    ['dns', 'deny', []],
  ])('%s with access control %s lacks %j', (name, accessControl, lacks) => {
    const missing = (more: Partial<BindPolicy>) => {
      try {
        bind('10.0.0.7', { accessControl, ...more }, name)();
        return [];
      } catch (error) {
        const { message } = error as Error;
        return [noAcl, weakAcl, noTls].filter((each) => message.includes(each));
      }
    };
    expect(missing({})).toEqual(lacks);
    // The weaker option lifts the demand for TLS only, the stronger one lifts all demands.
    expect(missing({ unsafeAllowPlaintext: true })).toEqual(lacks.filter((each) => each !== noTls));
    expect(missing({ unsafeAllowUnauthenticated: true })).toEqual([]);
  });

  it('may be a Unix socket: the mode of its file controls access', () => {
    const at = { path: '/run/rollcall.sock', mode: 0o666 };
    const policy = { accessControl: 'off', unsafeAllowUnauthenticated: false, unsafeAllowPlaintext: false } as const;
    expect(() => assertBindAllowed({ name: 'http', at, tokens: true }, policy)).not.toThrow();
  });

  it('suggests the weaker option where that is enough', () => {
    expect(bind('10.0.0.7', { accessControl: 'deny' })).toThrow('or add --unsafe-allow-plaintext (unsafeAllowPlaintext) if');
  });
});
