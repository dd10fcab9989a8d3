import { describe, expect, it } from 'vitest';
import { OriginPolicy, type OriginHeaders, type OriginLists } from './own-origin.ts';

type From = Partial<Omit<OriginHeaders, 'localAddress'>> & { readonly localAddress?: string | undefined };

/** Why a request is refused; it comes to loopback unless told otherwise. */
function refusal(from: From, lists?: OriginLists): string | undefined {
  const { localAddress } = { localAddress: '127.0.0.1', ...from };
  const request = { host: '127.0.0.1:8500', origin: undefined, fetchSite: undefined, ...from, localAddress: () => localAddress };
  const policy = new OriginPolicy(lists);
  const first = policy.judge(request);
  // A remembered Host must not change the answer.
  expect(policy.judge(request)).toBe(first);
  return first;
}

describe('requests that do not come from foreign pages', () => {
  it.each<[string, From]>([
    ['curl', {}],
    ['HTTP/1.0 without a Host', { host: undefined }],
    ['localhost', { host: 'localhost:8500' }],
    ['IPv6 loopback', { host: '[::1]:8500', localAddress: '::1' }],
    ['IPv4 on a dual-stack socket', { localAddress: '::ffff:127.0.0.1' }],
    ['a page of the server itself', { origin: 'http://127.0.0.1:8500', fetchSite: 'same-origin' }],
    ['a page of the server itself, behind TLS', { host: 'reg.test', origin: 'https://reg.test', localAddress: '10.0.0.7' }],
    ['a typed address', { fetchSite: 'none' }],
    ['a name for a public address', { host: 'registry.internal:8500', localAddress: '10.0.0.7' }],
    ['another address of a proxy', { host: '10.0.0.7:8500' }],
    ['any name on a Unix socket', { host: 'anything', localAddress: undefined }],
  ])('%s', (_name, from) => {
    expect(refusal(from)).toBeUndefined();
  });
});

describe('requests of foreign pages', () => {
  it.each<[string, From, string]>([
    ['cross-origin', { origin: 'https://evil.test' }, 'origin "https://evil.test" is not this server\'s own'],
    ['a page without an origin', { origin: 'null' }, 'origin "null"'],
    ['another port of this machine', { origin: 'http://127.0.0.1:3000' }, 'origin "http://127.0.0.1:3000"'],
    ['the name of the server as a suffix', { origin: 'http://evil.test/127.0.0.1:8500' }, 'origin'],
    [
      'a rebound name, which is same-origin to the browser',
      { host: 'evil.test:8500', origin: 'http://evil.test:8500', fetchSite: 'same-origin' },
      'host "evil.test:8500" is not a name of this machine\'s loopback; use 127.0.0.1 or localhost',
    ],
    ['a rebound name without an Origin', { host: 'evil.test' }, 'host "evil.test"'],
    ['a name that looks like loopback', { host: '127.0.0.1.evil.test:8500' }, 'host'],
    ['an image tag', { fetchSite: 'cross-site' }, 'sec-fetch-site "cross-site"'],
    ['an Origin with no Host', { host: undefined, origin: 'http://127.0.0.1:8500' }, 'origin'],
  ])('%s', (_name, from, reason) => {
    expect(refusal(from)).toContain(reason);
  });
});

describe('with lists of names and origins', () => {
  const lists = { allowedHosts: ['Registry.internal'], allowedOrigins: ['https://Console.test'] };

  it.each<[string, From]>([
    ['a listed name', { host: 'registry.internal:8500', localAddress: '10.0.0.7' }],
    ['a listed name in other letters', { host: 'REGISTRY.Internal', localAddress: '10.0.0.7' }],
    ['a listed name on loopback', { host: 'registry.internal:8500' }],
    ['an address', { host: '[fd00::7]:8500', localAddress: 'fd00::7' }],
    ['localhost', { host: 'localhost:8500' }],
    ['any name on a Unix socket', { host: 'anything', localAddress: undefined }],
    ['a page of a listed origin', { origin: 'https://console.test', fetchSite: 'cross-site' }],
  ])('%s is let in', (_name, from) => {
    expect(refusal(from, lists)).toBeUndefined();
  });

  it.each<[string, From, string]>([
    ['another name', { host: 'evil.test:8500', localAddress: '10.0.0.7' }, 'host "evil.test:8500" is not in allowedHosts'],
    ['a listed name as a suffix', { host: 'a.registry.internal', localAddress: '10.0.0.7' }, 'not in allowedHosts'],
    ['a listed name as a prefix', { host: 'registry.internal.evil.test', localAddress: '10.0.0.7' }, 'not in allowedHosts'],
    ['another name on loopback', { host: 'evil.test' }, 'is not a name of this machine'],
    ['the listed origin on another port', { origin: 'https://console.test:444' }, 'is not this server'],
    ['the listed origin without TLS', { origin: 'http://console.test' }, 'is not this server'],
    ['a listed origin through a rebound name', { host: 'evil.test', origin: 'https://console.test' }, 'host'],
  ])('%s is refused', (_name, from, reason) => {
    expect(refusal(from, lists)).toContain(reason);
  });

  it('remembers a limited number of names, and stays right after it drops some', () => {
    const policy = new OriginPolicy(lists);
    const judge = (host: string) => policy.judge({ host, origin: undefined, fetchSite: undefined, localAddress: () => '10.0.0.7' });
    for (let number = 0; number < 2_500; number++) expect(judge(`n${number}.test`)).toContain('allowedHosts');
    expect(judge('registry.internal')).toBeUndefined();
  });
});
