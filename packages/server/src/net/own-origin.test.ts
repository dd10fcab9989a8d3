import { describe, expect, it } from 'vitest';
import { foreignPage, type Origins } from './own-origin.ts';

const from = (more: Partial<Origins>): Origins => ({
  host: '127.0.0.1:8500',
  origin: undefined,
  fetchSite: undefined,
  localAddress: '127.0.0.1',
  ...more,
});

describe('requests that no foreign page made', () => {
  it.each<[string, Partial<Origins>]>([
    ['curl', {}],
    ['HTTP/1.0 without a Host', { host: undefined }],
    ['localhost', { host: 'localhost:8500' }],
    ['IPv6 loopback', { host: '[::1]:8500', localAddress: '::1' }],
    ['IPv4 on a dual-stack socket', { localAddress: '::ffff:127.0.0.1' }],
    ['the own page', { origin: 'http://127.0.0.1:8500', fetchSite: 'same-origin' }],
    ['the own page behind TLS', { host: 'reg.test', origin: 'https://reg.test', localAddress: '10.0.0.7' }],
    ['a typed address', { fetchSite: 'none' }],
    ['a name for a public address', { host: 'registry.internal:8500', localAddress: '10.0.0.7' }],
    ['another address of a proxy', { host: '10.0.0.7:8500' }],
  ])('%s', (_name, origins) => {
    expect(foreignPage(from(origins))).toBeUndefined();
  });
});

describe('requests of foreign pages', () => {
  it.each<[string, Partial<Origins>, string]>([
    ['cross-origin', { origin: 'https://evil.test' }, 'origin "https://evil.test" is not this server\'s own'],
    ['a page without an origin', { origin: 'null' }, 'origin "null"'],
    ['another port of this machine', { origin: 'http://127.0.0.1:3000' }, 'origin "http://127.0.0.1:3000"'],
    ['the own name as a suffix', { origin: 'http://evil.test/127.0.0.1:8500' }, 'origin'],
    [
      'a rebound name, which is same-origin to the browser',
      { host: 'evil.test:8500', origin: 'http://evil.test:8500', fetchSite: 'same-origin' },
      'host "evil.test:8500" is not a name of this machine\'s loopback; use 127.0.0.1 or localhost',
    ],
    ['a rebound name without an Origin', { host: 'evil.test' }, 'host "evil.test"'],
    ['a name that looks like loopback', { host: '127.0.0.1.evil.test:8500' }, 'host'],
    ['an image tag', { fetchSite: 'cross-site' }, 'sec-fetch-site "cross-site"'],
    ['an Origin with no Host', { host: undefined, origin: 'http://127.0.0.1:8500' }, 'origin'],
  ])('%s', (_name, origins, reason) => {
    expect(foreignPage(from(origins))).toContain(reason);
  });
});
