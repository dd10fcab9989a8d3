import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, parseAddressOrSocket } from './address.ts';

describe('HOST:PORT', () => {
  it.each([
    ['127.0.0.1:8500', '127.0.0.1', 8500],
    ['localhost:0', 'localhost', 0],
    ['[::1]:8500', '::1', 8500],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    ['0.0.0.0:65535', '0.0.0.0', 65_535],
  ])('%s is read and written back', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  it.each([
    ['', 'is not an address; write HOST:PORT'],
    ['8500', 'write HOST:PORT'],
    ['localhost', 'write HOST:PORT'],
    ['localhost:', 'write HOST:PORT'],
    ['localhost:http', 'write HOST:PORT'],
    ['localhost:-1', 'write HOST:PORT'],
    ['http://localhost:8500', 'is not an address'],
    [':8500', 'names no host; write 127.0.0.1:8500, or 0.0.0.0:8500 for every interface'],
    ['::1:8500', 'write IPv6 as [::1]:8500'],
    ['[]:1', 'names no host'],
    ['[127.0.0.1]:1', '"127.0.0.1" is not an IPv6 address'],
    ['localhost:65536', 'port 65536 is too high, the limit is 65535'],
  ])('%j is refused', (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
  });
});

describe('a Unix socket', () => {
  it('is read and written back, and addresses still are', () => {
    expect(parseAddressOrSocket('unix:///run/a b/rollcall.sock')).toEqual({ path: '/run/a b/rollcall.sock' });
    expect(formatAddress({ path: '/run/rollcall.sock' })).toBe('unix:///run/rollcall.sock');
    expect(parseAddressOrSocket('127.0.0.1:1')).toEqual({ host: '127.0.0.1', port: 1 });
  });

  it.each([
    ['unix:', 'write unix:///run/rollcall.sock'],
    ['unix://', 'write unix:///run/rollcall.sock'],
    ['unix://run/x', 'write unix:///run/rollcall.sock'],
    ['unix:///', 'write unix:///run/rollcall.sock'],
    ['unix:///run/', 'write unix:///run/rollcall.sock'],
    [`unix:///${'x'.repeat(103)}`, 'has 104 bytes, the limit is 103'],
    [`unix:///${'é'.repeat(60)}`, 'has 121 bytes, the limit is 103'],
  ])('%j is refused', (text, message) => {
    expect(() => parseAddressOrSocket(text)).toThrow(message);
  });
});
