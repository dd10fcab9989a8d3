/** The agent API: registrations, checks, heartbeats, and whose agent it is. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

interface Check {
  readonly CheckID: string;
  readonly Status: string;
  readonly Output: string;
}

const register = (body: unknown, query = '') => consul.put(`/v1/agent/service/register${query}`, body);
const services = async () => (await consul.get('/v1/agent/services')).json<Record<string, object>>();
const checks = async () => (await consul.get('/v1/agent/checks')).json<Record<string, Check>>();

describe('services', () => {
  test('accept lower-case keys, aliases and defaults, as Consul decodes them', async () => {
    const answer = await register({
      name: 'web',
      id: 'web/1#x',
      TAGS: ['a', 'b'],
      port: 80,
      check: { ttl: '30s' },
      enable_tag_override: true,
      tagged_addresses: { lan: { address: '1.2.3.4', port: 9 } },
    });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers['content-length']).toBe('0');
    expect((await services())['web/1#x']).toEqual({
      ID: 'web/1#x',
      Service: 'web',
      Tags: ['a', 'b'],
      Meta: {},
      Port: 80,
      Address: '',
      TaggedAddresses: { lan: { Address: '1.2.3.4', Port: 9 } },
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: true,
      Datacenter: 'dc1',
    });
    expect((await checks())['service:web/1#x']).toMatchObject({
      Name: "Service 'web' check",
      Status: 'critical',
      ServiceID: 'web/1#x',
      ServiceName: 'web',
      ServiceTags: ['a', 'b'],
      Type: 'ttl',
    });
    expect((await consul.put('/v1/agent/service/deregister/web/1%23x')).status).toBe(200);
    expect(await services()).not.toHaveProperty('web/1#x');
    expect(await checks()).not.toHaveProperty('service:web/1#x');
  });

  test('number several checks; a check that exists keeps its status when it is registered again', async () => {
    const body = {
      Name: 'api',
      Checks: [{ TTL: '60s' }, { TTL: 60_000_000_000, Status: 'passing', CheckID: 'own', Name: 'mine', Notes: 'n' }],
    };
    await register(body);
    expect(await checks()).toMatchObject({
      'service:api:1': { Status: 'critical' },
      own: { Status: 'passing', Name: 'mine', Notes: 'n' },
    });
    await consul.put('/v1/agent/check/pass/service:api:1?note=well');
    const again = { ...body, Checks: body.Checks.map((check) => ({ ...check, Status: 'critical' })) };
    await register(again);
    expect(await checks()).toMatchObject({
      'service:api:1': { Status: 'passing', Output: 'well' },
      own: { Status: 'passing' },
    });
  });

  test('keep every index when the same registration is repeated', async () => {
    const body = { Name: 'still', Port: 1, Check: { TTL: '60s', Status: 'passing' } };
    await register(body);
    const { index } = await consul.get('/v1/health/service/still');
    await register(body);
    expect((await consul.get('/v1/health/service/still')).index).toBe(index);
  });

  test('remove other checks only with replace-existing-checks', async () => {
    const check = (id: string) => ({ CheckID: id, TTL: '60s' });
    await register({ Name: 'rep', Checks: [check('r1'), check('r2')] });
    await register({ Name: 'rep', Checks: [check('r1')] });
    expect(Object.keys(await checks())).toEqual(expect.arrayContaining(['r1', 'r2']));
    await register({ Name: 'rep', Checks: [check('r1')] }, '?replace-existing-checks=true');
    expect(await checks()).toHaveProperty('r1');
    expect(await checks()).not.toHaveProperty('r2');
  });

  test('return fields of Consul that Rollcall has no field for', async () => {
    await register({
      Name: 'proxy',
      Kind: 'connect-proxy',
      Port: 21_000,
      Proxy: { DestinationServiceName: 'web', Config: { protocol: 'http' } },
      Locality: { Region: 'eu', Zone: 'a' },
      Weights: { Passing: 5 },
      SocketPath: '/run/x',
    });
    expect((await services())['proxy']).toMatchObject({
      Kind: 'connect-proxy',
      Proxy: { DestinationServiceName: 'web', Config: { protocol: 'http' } },
      Locality: { Region: 'eu', Zone: 'a' },
      Weights: { Passing: 5, Warning: 0 },
      SocketPath: '/run/x',
    });
    const [entry] = (await consul.get('/v1/health/service/proxy')).json<{ Service: object }[]>();
    expect(entry?.Service).toMatchObject({ Kind: 'connect-proxy', Proxy: { Mode: '', DestinationServiceName: 'web' } });
  });

  test.each([
    ['', 'Request decode failed: EOF'],
    ['{"Name":"x"', 'Request decode failed: unexpected EOF'],
    [{}, 'Missing service name'],
    [{ Name: 'x', Foo: 1 }, 'Request decode failed: json: unknown field "Foo"'],
    [{ Name: 1 }, 'Request decode failed: json: cannot unmarshal number into field Name of type string'],
    [{ Name: 'x', Port: '80' }, 'Request decode failed: json: cannot unmarshal string into field Port of type int'],
    [{ Name: 'x', Port: 70_000 }, 'Invalid service port 70000: it must be between 0 and 65535'],
    [{ Name: 'x', Address: '0.0.0.0' }, 'Invalid service address'],
    [{ Name: 'x', Address: '::' }, 'Invalid service address'],
    [{ Name: 'x\u0000y' }, 'Invalid service ID "x\\u0000y": control characters are not allowed'],
    [{ Name: 'x'.repeat(600) }, 'Invalid service ID: it has 600 bytes, the limit is 512'],
    [{ Name: 'x', Tags: Array(513).fill('t') }, 'Too many tags: 513, the limit is 512'],
    [{ Name: 'x', Meta: { 'a b': 'c' } }, "Invalid Service Meta: Couldn't load metadata pair ('a b', 'c'): Key contains invalid characters"],
    [{ Name: 'x', Meta: { 'consul-x': 'c' } }, "Invalid Service Meta: Couldn't load metadata pair ('consul-x', 'c'): Key prefix 'consul-' is reserved for internal use"],
    [{ Name: 'x', Meta: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])) }, 'Invalid Service Meta: Node metadata cannot contain more than 64 key/value pairs'],
    [{ Name: 'x', Weights: {} }, 'Invalid Weights: Passing must be greater than 0'],
    [{ Name: 'x', Check: { TTL: '10' } }, 'Request decode failed: time: missing unit in duration "10"'],
    [{ Name: 'x', Check: { TTL: '10s', Interval: '1s' } }, 'Invalid check: Interval and TTL cannot both be specified'],
    [{ Name: 'x', Check: { Name: 'c' } }, 'Invalid check: TTL must be > 0 for TTL checks'],
    [{ Name: 'x', Check: { TTL: '10s', Status: 'bad' } }, "Status for checks must 'passing', 'warning', 'critical'"],
    [{ Name: 'x', Check: { args: ['/bin/sh'], interval: '1s' } }, 'Invalid check: script checks are never run here; use a TTL check and let the program report'],
    [{ Name: 'x', Check: { UDP: 'h:1', Interval: '1s' } }, 'Invalid check: UDP is not supported; use a TTL, HTTP, TCP or GRPC check'],
    [{ Name: 'x', Check: { AliasService: 'y' } }, 'Invalid check: AliasService is not supported; use a TTL, HTTP, TCP or GRPC check'],
    [{ Name: 'x', Connect: { SidecarService: {} } }, 'Invalid SidecarService: there is no service mesh; register the proxy as a service'],
    [`{"Name":"x","Proxy":${'['.repeat(200)}`, 'Request decode failed: exceeded max depth: JSON may nest 64 levels'],
  ])('refuses %.60j', async (body, text) => {
    const answer = await register(body);
    expect([answer.status, answer.text]).toEqual([400, text]);
  });

  test('refuse a body over the limit', async () => {
    const answer = await register(`"${'x'.repeat(1_048_576)}"`);
    expect([answer.status, answer.text]).toEqual([413, 'Request body(1048578 bytes) too large, max size: 1048576 bytes.']);
  });

  test('refuse an id that was never registered, and those of the server itself', async () => {
    for (const id of ['unknown', 'consul', '']) {
      const answer = await consul.put(`/v1/agent/service/deregister/${id}`);
      const text = `Unknown service ID "${id}". Ensure that the service ID is passed, not the service name.`;
      expect([answer.status, answer.text]).toEqual([404, text]);
    }
  });

  test('accept __proto__ as a name', async () => {
    await register('{"Name":"__proto__","Meta":{"__proto__":"x"}}');
    expect(Object.keys(await services())).toContain('__proto__');
    expect((await consul.get('/v1/catalog/services')).text).toContain('"__proto__":[]');
    expect((await consul.get('/v1/health/service/__proto__')).text).toContain('"Meta":{"__proto__":"x"}');
  });
});

describe('checks', () => {
  test('accept a check of the node, and its heartbeats in every form', async () => {
    const answer = await consul.put('/v1/agent/check/register', { id: 'n/1', name: 'node', ttl: '60s', notes: 'hi' });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect((await checks())['n/1']).toMatchObject({ Name: 'node', Status: 'critical', Notes: 'hi', ServiceID: '' });
    for (const [path, body, status, output] of [
      ['pass/n/1?note=up', undefined, 'passing', 'up'],
      ['warn/n%2F1', undefined, 'warning', ''],
      ['fail/n/1?note=a+b%21', undefined, 'critical', 'a b!'],
      ['update/n/1', { Status: 'passing', Output: 'o' }, 'passing', 'o'],
      ['update/n/1', { status: 'warning' }, 'warning', ''],
      ['pass/n/1', undefined, 'passing', ''],
      ['update/n/1', { Status: 'passing', Output: 'x'.repeat(5_000) }, 'passing', 'x'.repeat(4_096)],
    ] as const) {
      const beat = await consul.put(`/v1/agent/check/${path}`, body);
      expect([beat.status, beat.text]).toEqual([200, '']);
      expect((await checks())['n/1']).toMatchObject({ Status: status, Output: output });
    }
    expect((await consul.put('/v1/agent/check/deregister/n/1')).status).toBe(200);
    expect(await checks()).not.toHaveProperty('n/1');
  });

  test('show a changed output in agent/checks, which wakes no watcher', async () => {
    await register({ Name: 'quiet', Check: { TTL: '60s', Status: 'passing' } });
    await consul.put('/v1/agent/check/pass/service:quiet?note=1');
    const { index } = await consul.get('/v1/health/service/quiet');
    await consul.put('/v1/agent/check/pass/service:quiet?note=2');
    expect((await consul.get('/v1/health/service/quiet')).index).toBe(index);
    expect((await checks())['service:quiet']?.Output).toBe('2');
  });

  test.each([
    ['pass/unknown', 404, 'Unknown check ID "unknown". Ensure that the check ID is passed, not the check name.'],
    ['pass/', 404, 'Unknown check ID "". Ensure that the check ID is passed, not the check name.'],
    ['fail/serfHealth', 404, 'Unknown check ID "serfHealth". Ensure that the check ID is passed, not the check name.'],
    ['deregister/unknown', 404, 'Unknown check ID "unknown". Ensure that the check ID is passed, not the check name.'],
    ['deregister/serfHealth', 404, 'Unknown check ID "serfHealth". Ensure that the check ID is passed, not the check name.'],
    ['pass/%zz', 400, 'Invalid path: "%zz" is not percent-encoded UTF-8'],
  ])('%s is refused', async (path, status, text) => {
    const answer = await consul.put(`/v1/agent/check/${path}`);
    expect([answer.status, answer.text]).toEqual([status, text]);
  });

  test.each([
    [{}, 400, 'Missing check name'],
    [{ Name: 'c' }, 400, 'Invalid check: TTL must be > 0 for TTL checks'],
    [{ Name: 'c', TTL: '1s', Status: 'x' }, 400, 'Bad check status'],
    [{ Name: 'c', HTTP: 'http://x' }, 400, 'Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks'],
    [{ Name: 'c', TTL: '9s', ServiceID: 'unknown' }, 404, 'ServiceID "unknown" does not exist'],
    [{ ID: 'serfHealth', Name: 'c', TTL: '9s' }, 400, "check ID serfHealth is the agent's own"],
    [{ ID: 'a\u001fb', Name: 'c', TTL: '9s' }, 400, 'Invalid check ID "a\\u001fb": control characters are not allowed'],
  ])('registering %j is refused', async (body, status, text) => {
    const answer = await consul.put('/v1/agent/check/register', body);
    expect([answer.status, answer.text]).toEqual([status, text]);
  });

  test('answer a heartbeat for a check without TTL with the 500 after which clients register again', async () => {
    await consul.put('/v1/agent/check/register', { ID: 'tcp', Name: 'tcp', TCP: '127.0.0.1:1', Interval: '60s' });
    const answer = await consul.put('/v1/agent/check/pass/tcp');
    expect([answer.status, answer.text]).toEqual([500, 'CheckID "tcp" does not have associated TTL']);
  });

  test.each([
    [{ Status: 'bad' }, "Invalid check status: 'bad'"],
    [{ Status: 'passing', Foo: 1 }, 'Request decode failed: json: unknown field "Foo"'],
    ['', 'Request decode failed: EOF'],
  ])('update with %j is refused', async (body, text) => {
    const answer = await consul.put('/v1/agent/check/update/any', body);
    expect([answer.status, answer.text]).toEqual([400, text]);
  });
});

describe('the virtual agent of a caller', () => {
  const named = (node: string) => ({ headers: { 'X-Rollcall-Node': node } });

  test('lets two nodes register the same id; each reads its own, and has the check of an agent', async () => {
    for (const [node, port] of [['host-a', 1], ['host-b', 2]] as const) {
      const body = { ID: 'same', Name: 'twice', Port: port, Check: { TTL: '60s' } };
      await consul.put('/v1/agent/service/register', body, named(node));
    }
    const mine = (await consul.get('/v1/agent/services', named('host-b'))).json<Record<string, { Port: number }>>();
    expect(Object.keys(mine)).toEqual(['same']);
    expect(mine['same']?.Port).toBe(2);
    expect((await consul.put('/v1/agent/check/pass/service:same', undefined, named('host-a'))).status).toBe(200);
    expect((await consul.put('/v1/agent/check/pass/service:same')).status).toBe(404);
    const healthy = (await consul.get('/v1/health/service/twice?passing')).json<{ Node: { Node: string; ID: string } }[]>();
    expect(healthy.map(({ Node }) => Node.Node)).toEqual(['host-a']);
    expect(healthy[0]?.Node.ID).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const state = (await consul.get('/v1/health/node/host-a')).json<Check[]>();
    expect(state.map(({ CheckID }) => CheckID)).toEqual(['serfHealth', 'service:same']);
  });

  test('accepts a session of a node that has registered nothing yet', async () => {
    const made = await consul.put('/v1/session/create', {}, named('host-new'));
    expect(made.status).toBe(200);
    expect((await consul.get('/v1/session/node/host-new')).json()).toHaveLength(1);
  });

  test('is the subject of agent/self, whose Stats name the leader', async () => {
    const own = (await consul.get('/v1/agent/self')).json<Record<string, Record<string, unknown>>>();
    expect(own['Config']).toMatchObject({ Datacenter: 'dc1', NodeName: 'server-1', Server: true });
    expect(own['Config']?.['Version']).toMatch(/^1\.2\d\.\d+\+rollcall\.\d+\.\d+\.\d+/);
    expect(own['Member']).toMatchObject({ Name: 'server-1', Addr: '127.0.0.1', Tags: { role: 'consul' } });
    const leader = (await consul.get('/v1/status/leader')).json();
    expect(leader).toBe('127.0.0.1:8300');
    expect(own['Stats']?.['consul']).toMatchObject({ leader_addr: leader });
    expect((await consul.get('/v1/status/peers')).json()).toEqual([leader]);
    const other = (await consul.get('/v1/agent/self', named('host-a'))).json<typeof own>();
    expect(other['Config']).toMatchObject({ NodeName: 'host-a', Server: false });
    const [node] = (await consul.get('/v1/catalog/nodes')).json<{ ID: string }[]>();
    expect(other['Config']?.['NodeID']).toBe(node?.ID);
  });

  test('appears in the members', async () => {
    await consul.put('/v1/catalog/register', { Node: 'external', Address: '10.9.9.9' });
    const members = (await consul.get('/v1/agent/members')).json<{ Name: string; Status: number }[]>();
    const names = members.map(({ Name }) => Name);
    expect(names).toEqual(expect.arrayContaining(['server-1', 'host-a', 'host-b']));
    expect(names).not.toContain('external');
    expect(members.every(({ Status }) => Status === 1)).toBe(true);
  });

  test('is refused with a bad node name', async () => {
    const answer = await consul.get('/v1/agent/self', named('not a name'));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('is not a node name');
  });
});
