import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRequest, frameLimits } from './index.ts';

const session = { id: '3f0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c11', token: 'b'.repeat(32) };
const instance = { id: 'web-1', service: 'web' };

const valid: Record<string, object> = {
  'a hello': { type: 'hello', protocol: 1, client: 'shop' },
  'a hello with everything': { type: 'hello', protocol: 1, client: 'shop', node: 'n1', session, graceMs: 10_000 },
  'a hello of a client that knows another node': { type: 'hello', protocol: 1, client: 'shop', seen: { registry: 'r', revision: 7 } },
  'a hello in a namespace': { type: 'hello', protocol: 1, client: 'shop', namespace: 'team-a' },
  'a registration': { type: 'register', instances: [instance] },
  'a registration with everything': {
    type: 'register',
    instances: [
      {
        ...instance,
        address: '2001:db8::1',
        port: 65_535,
        tags: ['a b', 'größe'],
        meta: { 'app.kubernetes.io/name': 'web', empty: '' },
        scheme: 'https',
        ports: { admin: { port: 9_000, scheme: 'http' }, 'grpc-1': { port: 1 } },
        zone: 'eu-1a',
        region: 'eu-1',
        cluster: 'DEFAULT',
        weight: 0.5,
        warningWeight: 0,
        status: 'starting',
        enabled: false,
        persistent: true,
        checks: [
          { name: 'beat', notes: 'n', ttlMs: 1 },
          { name: 'page', http: 'https://h/x', method: 'GET', header: { 'x-a': ['1'] }, intervalMs: 1_000, timeoutMs: 5 },
          { name: 'port', tcp: '[::1]:80', successBeforePassing: 2 },
          { name: 'rpc', grpc: 'h:90/my.Service', grpcUseTls: true, tlsServerName: 's', tlsSkipVerify: false },
        ],
      },
    ],
  },
  'a deregistration': { type: 'deregister', instances: ['a/b#c'] },
  'a drain': { type: 'drain', instances: [] },
  'a beat': { type: 'beat', instance: 'i', check: 'c', status: 'warning', output: '' },
  'a watch': {
    type: 'watch',
    views: [
      { kind: 'service', name: 'DEFAULT@@web', revision: 0 },
      { kind: 'services', name: '' },
      { kind: 'key', name: 'a/b' },
      { kind: 'prefix', name: '' },
      { kind: 'service', namespace: 'team-a', name: 'web', revision: 3 },
      { kind: 'services', namespace: 'team-a', name: '' },
    ],
  },
  'an unwatch': { type: 'unwatch', views: [{ kind: 'key', name: 'k' }] },
  'a get': { type: 'get', view: { kind: 'prefix', name: 'p/' } },
  'a put': { type: 'kv-put', key: 'k', value: 'AAE=', flags: '18446744073709551615', cas: 0 },
  'a put of nothing': { type: 'kv-put', key: 'k', value: '' },
  'a delete': { type: 'kv-delete', key: 'k', cas: 7 },
  'a delete of everything': { type: 'kv-delete', key: '', recurse: true },
  'a lease': { type: 'lease', pool: 'orders' },
  'a lease in another namespace': { type: 'lease', pool: 'orders', namespace: 'team-a' },
  'a hello that names its library': { type: 'hello', protocol: 1, client: 'c', version: '@rollcall/client/0.1.0' },
  'a report of picks': { type: 'pick-report', intervalMs: 10_000, services: [{ service: 'orders', picks: 3, failures: 1, meanMs: 1.5, p99Ms: 20 }, { namespace: 'team-a', service: 's', picks: 0, failures: 0 }] },
  'a goodbye': { type: 'goodbye' },
};

const register = (fields: object) => ({ type: 'register', instances: [{ ...instance, ...fields }] });
const check = (fields: object) => register({ checks: [{ name: 'c', ...fields }] });

const invalid: [string, unknown, string][] = [
  ['a namespace that no registry can have', { type: 'hello', protocol: 1, client: 'c', namespace: 'a.b' }, 'namespace "a.b" is not valid'],
  ['a view in such a one', { type: 'get', view: { kind: 'key', namespace: '-a', name: 'k' } }, 'view.namespace "-a" is not valid'],
  ['a namespace that is too long', { type: 'lease', pool: 'p', namespace: 'a'.repeat(64) }, 'namespace has 64 characters, the limit is 63'],
  ['a lease of no service', { type: 'lease', pool: 'a/b' }, 'pool'],
  ['an unknown type', { type: 'hack' }, 'type is "hack"'],
  ['no type', {}, 'type is missing'],
  ['a type that is a method of objects', { type: 'toString' }, 'type is "toString"'],
  ['a revision without its registry', { type: 'hello', protocol: 1, client: 'c', seen: { revision: 7 } }, 'seen.registry'],
  ['a hello without a name', { type: 'hello', protocol: 1, client: '' }, 'client is empty'],
  ['a session id in capitals', { type: 'hello', protocol: 1, client: 'c', session: { ...session, id: session.id.toUpperCase() } }, 'session.id'],
  ['a short token', { type: 'hello', protocol: 1, client: 'c', session: { ...session, token: 'secret' } }, 'session.token'],
  ['a grace of an hour', { type: 'hello', protocol: 1, client: 'c', graceMs: 3_600_000 }, 'graceMs is 3600000'],
  ['instances that are no list', { type: 'register', instances: instance }, 'instances is an object'],
  ['too many instances', { type: 'deregister', instances: Array.from({ length: 1_001 }, () => 'i') }, '1001 entries, the limit is 1000'],
  ['a service with a space', register({ service: 'my web' }), 'instances[0].service "my web"'],
  ['a service that is a number', register({ service: 7 }), 'is the number 7, it must be a string'],
  ['an id with a line end', register({ id: 'a\nb' }), 'control character'],
  ['an id with half a character', register({ id: 'a\ud800' }), 'half a character'],
  ['an id of spaces', register({ id: ' ' }), 'space at an end'],
  ['a long id', register({ id: 'x'.repeat(256) }), '256 characters, the limit is 255'],
  ['a port of 65,536', register({ port: 65_536 }), 'port is 65536, it must be from 0 to 65535'],
  ['a port in a string', register({ port: '80' }), 'port is a string'],
  ['half a port', register({ port: 0.5 }), 'must be an integer'],
  ['an address with a path', register({ address: 'h/x' }), 'address'],
  ['65,536 tags', register({ tags: Array.from({ length: 65_536 }, () => 't') }), 'tags has 65536 entries, the limit is 512'],
  ['meta that is a list', register({ meta: ['a'] }), 'meta is an array'],
  ['a meta value that is an object', register({ meta: { a: {} } }), 'meta.a is an object'],
  ['too much meta', register({ meta: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, ''])) }), 'the limit is 64'],
  ['a prototype in meta', JSON.parse('{"type":"register","instances":[{"id":"a","service":"a","meta":{"__proto__":"x"}}]}'), '__proto__'],
  ['a prototype in headers', check({ http: 'http://h', header: JSON.parse('{"__proto__":["x"]}') }), 'header name'],
  ['a negative weight', register({ weight: -1 }), 'weight is -1, it must be from 0 to 65535'],
  ['a weight that is no number', register({ warningWeight: '1' }), 'warningWeight is a string, it must be a number'],
  ['a scheme with a colon', register({ scheme: 'http:' }), 'a URL scheme in lower case'],
  ['a named port of 0', register({ ports: { admin: { port: 0 } } }), 'ports.admin.port is 0'],
  ['a port whose name is a prototype', register({ ports: JSON.parse('{"__proto__":{"port":1}}') }), 'a key of instances[0].ports'],
  ['17 named ports', register({ ports: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`p${i}`, { port: 1 }])) }), 'the limit is 16'],
  ['an effective status for an administrative one', register({ status: 'passing' }), 'one of up, starting, draining, out_of_service, down'],
  ['a check of no kind', check({}), '0 of ttlMs, http, tcp, grpc and mcp'],
  ['a check of two kinds', check({ ttlMs: 1, tcp: 'h:1' }), '2 of ttlMs, http, tcp, grpc and mcp'],
  ['two checks of one name', register({ checks: [{ name: 'c', ttlMs: 1 }, { name: 'c', ttlMs: 2 }] }), 'same name'],
  ['a probe of a file', check({ http: 'file:///etc/passwd' }), 'not an http URL'],
  ['a probe without a port', check({ tcp: 'host' }), 'not host:port'],
  ['a probe every millisecond', check({ tcp: 'h:1', intervalMs: 1 }), 'intervalMs is 1, it must be from 1000'],
  ['a header that smuggles', check({ http: 'http://h', header: { a: ['x\r\ny: z'] } }), 'printable ASCII'],
  ['a status of its own', { type: 'beat', instance: 'i', check: 'c', status: 'draining' }, 'one of passing, warning, critical'],
  ['a view of a kind of its own', { type: 'watch', views: [{ kind: 'secrets', name: 'x' }] }, 'views[0].kind is "secrets"'],
  ['a negative revision', { type: 'watch', views: [{ kind: 'services', revision: -1 }] }, 'revision is -1'],
  ['a key with NUL', { type: 'get', view: { kind: 'key', name: 'a\0b' } }, 'NUL'],
  ['an empty key', { type: 'get', view: { kind: 'key', name: '' } }, 'view.name is empty'],
  ['a long key', { type: 'kv-put', key: 'k'.repeat(frameLimits.keyMax + 1), value: '' }, 'the limit is 1700'],
  ['a value in another alphabet', { type: 'kv-put', key: 'k', value: 'a-_b' }, 'not base64'],
  ['a value without padding', { type: 'kv-put', key: 'k', value: 'AAE' }, 'not base64'],
  ['flags beyond 64 bits', { type: 'kv-put', key: 'k', value: '', flags: '18446744073709551616' }, 'the limit is 18446744073709551615'],
  ['flags as a number', { type: 'kv-put', key: 'k', value: '', flags: 1 }, 'flags is the number 1'],
  ['more failures than whole ones', { type: 'pick-report', intervalMs: 1, services: [{ service: 's', picks: 1, failures: 0.5 }] }, 'services[0].failures is the number 0.5'],
  ['picks of no service', { type: 'pick-report', intervalMs: 1, services: [{ service: '', picks: 1, failures: 0 }] }, 'services[0].service'],
  ['picks in no time', { type: 'pick-report', intervalMs: 0, services: [] }, 'intervalMs is 0, it must be from 1'],
  ['a latency below zero', { type: 'pick-report', intervalMs: 1, services: [{ service: 's', picks: 1, failures: 0, meanMs: -1 }] }, 'services[0].meanMs is -1'],
  ['cas and recurse together', { type: 'kv-delete', key: 'k', cas: 1, recurse: true }, 'exclude each other'],
];

describe('a request', () => {
  it.each(Object.entries(valid))('may be %s', (_what, fields) => {
    const frame = { id: 3, ...fields };
    expect(checkRequest(frame)).toEqual({ ok: true, frame });
  });

  it.each(invalid)('may not have %s', (_what, fields, message) => {
    const checked = checkRequest({ id: 3, ...(fields as object) });
    expect(checked).toMatchObject({ ok: false, id: 3 });
    expect(checked.ok ? '' : checked.message).toContain(message);
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ['no id', { type: 'goodbye' }],
    ['an id of zero', { id: 0, type: 'goodbye' }],
    ['an id beyond what a number can tell', { id: 2 ** 53, type: 'goodbye' }],
    ['an id in a string', { id: '1', type: 'goodbye' }],
    ['an inherited id', Object.create({ id: 1, type: 'goodbye' })],
  ])('is not told by its id when it is %s', (_what, value) => {
    expect(checkRequest(value)).not.toHaveProperty('id');
    expect(checkRequest(value).ok).toBe(false);
  });

  it('is copied without unknown fields', () => {
    const frame = { id: 1, type: 'goodbye', why: 'x', __proto__: { polluted: true } };
    expect(checkRequest(frame)).toEqual({ ok: true, frame: { id: 1, type: 'goodbye' } });
  });

  it('treats null as an absent field, as other languages write it', () => {
    const checked = checkRequest({ id: 1, ...register({ port: null, tags: null, meta: null, checks: null }) });
    expect(checked).toEqual({ ok: true, frame: { id: 1, type: 'register', instances: [instance] } });
  });

  it('treats a view that names the namespace default like one that names none', () => {
    const checked = checkRequest({ id: 1, type: 'get', view: { kind: 'service', namespace: 'default', name: 'web' } });
    expect(checked).toEqual({ ok: true, frame: { id: 1, type: 'get', view: { kind: 'service', name: 'web' } } });
  });

  it('is checked without a stack overflow at any depth', () => {
    const deep = JSON.parse(`{"id":1,"type":"register","instances":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(checkRequest(deep)).toMatchObject({ ok: false, id: 1 });
  });

  it('never makes the check throw, for any value', () => {
    const kinds = Object.values(valid).map((frame) => (frame as { type: string }).type);
    const damaged = fc
      .tuple(fc.constantFrom(...Object.values(valid)), fc.jsonValue(), fc.nat())
      .map(([frame, value, at]) => {
        const copy: Record<string, unknown> = { id: 1, ...(structuredClone(frame) as object) };
        const keys = Object.keys(copy);
        copy[keys[at % keys.length] as string] = value;
        return copy;
      });
    const anything = fc.oneof(
      fc.jsonValue(),
      damaged,
      fc.record({ id: fc.jsonValue(), type: fc.oneof(fc.constantFrom(...kinds), fc.string()), instances: fc.jsonValue() }),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const checked = checkRequest(value);
        // A checked copy passes again: it is a frame of the protocol.
        if (checked.ok) expect(checkRequest(checked.frame)).toEqual(checked);
        else expect(checked.message.length).toBeLessThan(1_000);
      }),
      { numRuns: 2_000 },
    );
  });
});
