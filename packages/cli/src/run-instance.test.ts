import { describe, expect, it } from 'vitest';
import { instanceOf, type RunFlags } from './run-instance.ts';

const flags = (more: Partial<RunFlags> = {}): RunFlags => ({ port: 8080, tag: [], meta: {}, ...more });
const probe = { intervalMs: 1_000, timeoutMs: 3_000, failuresBeforeCritical: 2 };

describe('the instance that `rollcall run` registers', () => {
  it('has its node’s address and is probed at its port by default', () => {
    expect(instanceOf('web', flags(), '127.0.0.1')).toEqual({
      id: 'web-8080',
      service: 'web',
      port: 8080,
      tags: [],
      meta: {},
      checks: [{ name: 'tcp', tcp: '127.0.0.1:8080', ...probe }],
    });
  });

  it('has the address by which the registry reaches this machine, and is probed there', () => {
    const instance = instanceOf('web', flags({ check: '/healthz' }), '10.0.0.7');
    expect(instance.address).toBe('10.0.0.7');
    expect(instance.checks).toEqual([{ name: 'http', http: 'http://10.0.0.7:8080/healthz', ...probe }]);
  });

  it('can have another address', () => {
    const instance = instanceOf('web', flags({ address: '2001:db8::7' }), '10.0.0.7');
    expect(instance.address).toBe('2001:db8::7');
    expect(instance.checks?.[0]?.tcp).toBe('[2001:db8::7]:8080');
  });

  it('is probed at the given URL', () => {
    const check = 'https://other.example/up';
    expect(instanceOf('web', flags({ check }), undefined).checks).toEqual([{ name: 'http', http: check, ...probe }]);
  });

  it('has the given id, tags and meta', () => {
    const instance = instanceOf('web', flags({ id: 'w', tag: ['a', 'b'], meta: { zone: 'x' } }), undefined);
    expect(instance).toMatchObject({ id: 'w', tags: ['a', 'b'], meta: { zone: 'x' } });
    expect(instance.address).toBeUndefined();
  });

  it('of an MCP server has its tag and path, and is probed by a handshake instead of by TCP', () => {
    const instance = instanceOf('weather', flags({ mcp: '/rpc', tag: ['mcp', 'blue'], meta: { 'mcp-version': '2' } }), undefined);
    expect(instance).toMatchObject({ tags: ['mcp', 'blue'], meta: { 'mcp-path': '/rpc', 'mcp-version': '2' } });
    expect(instance.checks).toEqual([{ name: 'mcp', mcp: 'http://127.0.0.1:8080/rpc', ...probe }]);
  });

  it('of an agent has its tag and the path of its card, which is probed beside the given check', () => {
    const instance = instanceOf('planner', flags({ a2a: '/card.json', check: '/healthz' }), '10.0.0.7');
    expect(instance).toMatchObject({ tags: ['a2a'], meta: { 'a2a-path': '/card.json' } });
    expect(instance.checks).toEqual([
      { name: 'http', http: 'http://10.0.0.7:8080/healthz', ...probe },
      { name: 'a2a', http: 'http://10.0.0.7:8080/card.json', ...probe },
    ]);
  });

  it.each<[string, string, Partial<RunFlags>, string]>([
    ['a service name with a space', 'my web', {}, 'service "my web" is not valid'],
    ['an empty service name', '', {}, 'service "" is not valid'],
    ['a check that is no URL', 'web', { check: 'healthz' }, '--check: "healthz" is no URL of http or https'],
    ['a check by another protocol', 'web', { check: 'ftp://x' }, '--check: "ftp://x" is no URL of http or https'],
    ['an MCP path without a slash', 'web', { mcp: 'mcp' }, '--mcp: "mcp" is no path on the program'],
    ['an address with a port', 'web', { address: 'http://x' }, 'address "http://x" is not valid'],
    ['an empty tag', 'web', { tag: [''] }, 'tags[0] is empty'],
  ])('%s is refused before anything starts', (_name, service, more, message) => {
    expect(() => instanceOf(service, flags(more), undefined)).toThrow(message);
    expect(() => instanceOf(service, flags(more), undefined)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
