import { describe, expect, it } from 'vitest';
import { serversOf } from './servers.ts';

describe('the registry to talk to', () => {
  it.each<[string | undefined, Record<string, string>, string[]]>([
    [undefined, {}, ['http://127.0.0.1:8500']],
    [undefined, { ROLLCALL_HTTP_ADDR: '' }, ['http://127.0.0.1:8500']],
    [undefined, { ROLLCALL_HTTP_ADDR: 'reg:1' }, ['http://reg:1']],
    ['10.0.0.1:2', { ROLLCALL_HTTP_ADDR: 'reg:1' }, ['http://10.0.0.1:2']],
    ['localhost', {}, ['http://localhost']],
    ['[::1]:8500', {}, ['http://[::1]:8500']],
    ['https://reg.example/', {}, ['https://reg.example']],
    ['a:1, http://b:2', {}, ['http://a:1', 'http://b:2']],
  ])('%j with %j is %j', (addr, env, expected) => {
    expect(serversOf(addr, env)).toEqual(expected);
  });

  it.each([
    ['', 'is not an address'],
    ['a:1,', 'is not an address'],
    ['a:x', 'is not an address'],
    ['ftp://a', 'is neither http nor https'],
    ['http://me:secret@a', 'has a user name'],
    ['http://a/v1', 'has more than a host and a port'],
  ])('%j is refused', (addr, message) => {
    expect(() => serversOf(addr, {})).toThrow(`--addr: `);
    expect(() => serversOf(addr, {})).toThrow(message);
  });

  it('names the environment when the mistake is there', () => {
    expect(() => serversOf(undefined, { ROLLCALL_HTTP_ADDR: 'a:x' })).toThrow('ROLLCALL_HTTP_ADDR: "a:x" is not');
  });
});
