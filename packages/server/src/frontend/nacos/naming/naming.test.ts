/** Naming over HTTP, played by hand: time, and requests as clients and scripts send them. */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Nacos, type Fields } from '../nacos.case.ts';

let nacos: Nacos;

beforeAll(async () => {
  nacos = await Nacos.start();
});
afterAll(() => nacos[Symbol.asyncDispose]());

interface Host {
  readonly ip: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly weight: number;
  readonly clusterName: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly instanceHeartBeatTimeOut: number;
}

interface Info {
  readonly name: string;
  readonly clusters: string;
  readonly hosts: readonly Host[];
  readonly lastRefTime: number;
  readonly reachProtectionThreshold: boolean;
}

async function register(serviceName: string, ip: string, more: Fields = {}): Promise<void> {
  const { status, text } = await nacos.post('/v1/ns/instance', { serviceName, ip, port: 80, ...more });
  expect([status, text]).toEqual([200, 'ok']);
}

async function list(serviceName: string, more: Fields = {}): Promise<Info> {
  const answer = await nacos.get('/v1/ns/instance/list', { serviceName, ...more });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.json<Info>();
}

async function all(serviceName: string, more: Fields = {}): Promise<readonly Host[]> {
  return (await nacos.get('/v3/admin/ns/instance/list', { serviceName, ...more })).json<{ data: readonly Host[] }>().data;
}

const ips = (hosts: readonly Host[]) => hosts.map(({ ip }) => ip).sort();
const until = <T>(check: () => Promise<T>) => vi.waitFor(check, { interval: 20, timeout: 20_000 });

describe('a heartbeat', () => {
  const times = (timeout: number, removal: number) => JSON.stringify({ 'preserved.heart.beat.interval': '50', 'preserved.heart.beat.timeout': String(timeout), 'preserved.ip.delete.timeout': String(removal) });

  test('keeps an instance; without one it is unhealthy after its timeout, and gone after the time for its removal', async () => {
    await register('silent', 'a', { metadata: times(200, 2_000) });
    expect((await list('silent')).hosts).toMatchObject([{ ip: 'a', healthy: true }]);
    await until(async () => expect(await all('silent')).toMatchObject([{ ip: 'a', healthy: false, enabled: true }]));
    expect((await list('silent', { healthyOnly: true })).hosts).toEqual([]);
    await until(async () => expect(await all('silent')).toEqual([]));
  });

  test('makes an unhealthy instance healthy again, and a removed one comes back from its JSON', async () => {
    const metadata = times(200, 1_500);
    await register('back', 'a', { metadata });
    await until(async () => expect(await all('back')).toMatchObject([{ healthy: false }]));
    const light = await nacos.put('/v1/ns/instance/beat', { serviceName: 'back', ip: 'a', port: 80 });
    expect(light.json()).toEqual({ clientBeatInterval: 50, code: 10_200, lightBeatEnabled: true });
    expect(await all('back')).toMatchObject([{ healthy: true }]);
    await until(async () => expect(await all('back')).toEqual([]));
    expect((await nacos.put('/v1/ns/instance/beat', { serviceName: 'back', ip: 'a', port: 80 })).json()).toMatchObject({ code: 20_404 });
    const beat = JSON.stringify({ ip: 'a', port: 80, cluster: 'BLUE', weight: 3, metadata: { zone: 'z' }, serviceName: 'DEFAULT_GROUP@@back' });
    expect((await nacos.put('/v1/ns/instance/beat', {}, { query: { serviceName: 'DEFAULT_GROUP@@back', beat } })).json()).toMatchObject({ code: 10_200 });
    expect(await all('back')).toMatchObject([{ ip: 'a', clusterName: 'BLUE', weight: 3, metadata: { zone: 'z' } }]);
  });

  test('writes nothing while the instance is healthy', async () => {
    await register('quiet', 'a');
    const { revision } = nacos.server.registry.state;
    for (let beats = 0; beats < 5; beats++) await nacos.put('/v1/ns/instance/beat', { serviceName: 'quiet', ip: 'a', port: 80 });
    expect(nacos.server.registry.state.revision).toBe(revision);
  });

  test.each(['{broken', '[]', '1', '{"ip":"a"}'])('with bad JSON (%s) is a 400', async (beat) => {
    const { status } = await nacos.put('/v1/ns/instance/beat', { serviceName: 'bad', beat });
    expect(status).toBe(400);
  });
});

describe('a list', () => {
  test('repeats the name and the clusters, and chooses by cluster', async () => {
    await register('many', 'a', { clusterName: 'BLUE' });
    await register('many', 'b', { cluster: 'GREEN', groupName: 'DEFAULT_GROUP' });
    const info = await list('DEFAULT_GROUP@@many', { clusters: 'BLUE,RED', udpPort: 48_337, clientIP: '' });
    expect([info.name, info.clusters, ips(info.hosts)]).toEqual(['DEFAULT_GROUP@@many', 'BLUE,RED', ['a']]);
    expect(ips((await list('many')).hosts)).toEqual(['a', 'b']);
  });

  test('of another group or namespace has other instances', async () => {
    await register('apart', 'a');
    await register('apart', 'b', { groupName: 'PAY' });
    await register('PAY@@apart', 'c', { namespaceId: 'team-a' });
    expect(ips((await list('apart')).hosts)).toEqual(['a']);
    expect(ips((await list('apart', { groupName: 'PAY', namespaceId: 'public' })).hosts)).toEqual(['b']);
    expect(ips((await list('PAY@@apart', { namespaceId: 'team-a' })).hosts)).toEqual(['c']);
    expect((await list('apart', { namespaceId: 'team-a' })).hosts).toEqual([]);
  });

  test('has a lastRefTime that rises with each change, and the same bytes while there is none', async () => {
    await register('times', 'a');
    const [first, again] = [await list('times'), await list('times')];
    await register('times', 'b');
    const after = await list('times');
    expect([again.lastRefTime, after.lastRefTime > first.lastRefTime]).toEqual([first.lastRefTime, true]);
  });

  test('shows all as healthy at the protect threshold', async () => {
    const metadata = JSON.stringify({ 'preserved.heart.beat.interval': '50', 'preserved.heart.beat.timeout': '100' });
    for (const ip of ['a', 'b']) await register('guarded', ip, { metadata });
    await nacos.put('/v1/ns/service', { serviceName: 'guarded', protectThreshold: 0.5 });
    await until(async () => expect(await list('guarded', { healthyOnly: true })).toMatchObject({ reachProtectionThreshold: true, hosts: [{ healthy: true }, { healthy: true }] }));
  });

  test('of 3,000 instances is complete, and encoded once', async () => {
    const { registry } = nacos.server;
    const instances = Array.from({ length: 3_000 }, (_, at) => ({ id: `i${at}`, service: 'large', address: `10.1.${at >> 8}.${at & 255}`, port: 80 }));
    await registry.submit({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances });
    const [one, two] = await Promise.all([list('large'), list('large')]);
    expect([one.hosts.length, two.hosts.length, new Set(ips(one.hosts)).size]).toEqual([3_000, 3_000, 3_000]);
  });
});

describe('an operator', () => {
  test('sets weight, metadata and enabled; they stay when the client registers again', async () => {
    const client = { weight: 5, metadata: '{"a":"client","b":"client"}' };
    await register('ruled', 'a', client);
    await nacos.put('/v1/ns/instance', { serviceName: 'ruled', ip: 'a', port: 80, weight: 0.5, metadata: 'a=operator,zone=z9', enabled: false });
    await register('ruled', 'a', client);
    expect(await all('ruled')).toMatchObject([{ weight: 0.5, enabled: false, metadata: { a: 'operator', b: 'client', zone: 'z9' } }]);
    expect([...nacos.server.registry.state.rows()].find(([key]) => key.endsWith('@@ruled'))?.[1]).toMatchObject({ zone: 'z9', weight: 5, weightOverride: 0.5 });
    expect((await list('ruled')).hosts).toEqual([]);
    await nacos.ask('PATCH', '/v1/ns/instance', { query: { serviceName: 'ruled', ip: 'a', port: 80, enabled: true } });
    expect(await all('ruled')).toMatchObject([{ weight: 0.5, enabled: true }]);
  });

  test('changes times of heartbeats by metadata', async () => {
    await register('slower', 'a');
    const metadata = JSON.stringify({ 'preserved.heart.beat.timeout': '60000', 'preserved.ip.delete.timeout': '90000' });
    const answer = await nacos.put('/v1/ns/instance/metadata/batch', { serviceName: 'slower', metadata, instances: JSON.stringify([{ ip: 'a', port: 80 }]) });
    expect(answer.json()).toEqual({ updated: ['a:80:unknown:DEFAULT:ephemeral'] });
    expect(await all('slower')).toMatchObject([{ instanceHeartBeatTimeOut: 60_000, healthy: true }]);
    const [, check] = [...nacos.server.registry.state.rows()].find(([key]) => key === 'check\0default\0\0nacos:a#80#DEFAULT#DEFAULT_GROUP@@slower') ?? [];
    expect(check).toMatchObject({ definition: { ttlMs: 60_000, deregisterCriticalAfterMs: 30_000 }, status: 'passing' });
    await nacos.delete('/v1/ns/instance/metadata/batch', { serviceName: 'slower', metadata });
    expect(await all('slower')).toMatchObject([{ instanceHeartBeatTimeOut: 15_000 }]);
  });

  test('takes an instance of another protocol out and overrides its weight, but changes its metadata there', async () => {
    const node = { name: 'n1', address: '10.9.9.9' };
    await nacos.server.registry.submit({ kind: 'register', namespace: 'default', node, nodeMode: 'update', instances: [{ id: 'x', service: 'other', port: 90 }] });
    const at = { serviceName: 'other', ip: '10.9.9.9', port: 90 };
    expect((await nacos.put('/v1/ns/instance', { ...at, enabled: false })).text).toBe('ok');
    expect(await all('other')).toMatchObject([{ ip: '10.9.9.9', enabled: false }]);
    expect((await nacos.put('/v1/ns/instance', { ...at, weight: 2 })).text).toBe('ok');
    expect(await all('other')).toMatchObject([{ weight: 2 }]);
    const { status, text } = await nacos.put('/v1/ns/instance', { ...at, metadata: 'a=b' });
    expect([status, text]).toEqual([409, expect.stringContaining('another protocol')]);
  });

  test('is told when there is no such instance', async () => {
    const { status, text } = await nacos.put('/v1/ns/instance', { serviceName: 'none', ip: 'a', port: 1, weight: 2 });
    expect([status, text]).toEqual([404, 'no matched ip found!']);
  });
});

describe('a persistent instance', () => {
  test('is probed by the server, as the health checker of its cluster says', async () => {
    const { http: port } = nacos.server.ports;
    await register('probed', '127.0.0.1', { port, ephemeral: false, healthy: false });
    await until(async () => expect(await all('probed')).toMatchObject([{ ip: '127.0.0.1', healthy: true, ephemeral: false }]));
    const cluster = { serviceName: 'probed', clusterName: 'DEFAULT', checkPort: port, useInstancePort4Check: true };
    expect((await nacos.put('/v1/ns/cluster', { ...cluster, healthChecker: '{"type":"HTTP","path":"/healthz"}' })).text).toBe('ok');
    const check = [...nacos.server.registry.state.rows()].find(([key]) => key.startsWith('check\0default\0\0nacos:127.0.0.1'))?.[1];
    expect(check).toMatchObject({ type: 'http', definition: { http: `http://127.0.0.1:${port}/healthz` } });
    expect((await nacos.get('/v1/ns/service', { serviceName: 'probed' })).json()).toMatchObject({ clusters: [{ name: 'DEFAULT', healthChecker: { type: 'HTTP', path: '/healthz' } }] });
  });

  test('with the health checker NONE has the health that an operator sets', async () => {
    await register('manual', 'a', { ephemeral: false });
    const health = { serviceName: 'manual', ip: 'a', port: 80, healthy: false };
    const early = await nacos.put('/v1/ns/health/instance', health);
    expect([early.status, early.text]).toEqual([400, 'health check is still working, serviceName: DEFAULT_GROUP@@manual']);
    await nacos.put('/v1/ns/cluster', { serviceName: 'manual', clusterName: 'DEFAULT', checkPort: 80, useInstancePort4Check: true, healthChecker: '{"type":"NONE"}' });
    expect((await nacos.put('/v1/ns/health/instance', health)).text).toBe('ok');
    expect(await all('manual')).toMatchObject([{ healthy: false }]);
  });
});

describe('a service', () => {
  test('is created, changed, listed and deleted', async () => {
    const at = { serviceName: 'made', groupName: 'OPS' };
    expect((await nacos.post('/v1/ns/service', { ...at, protectThreshold: 0.3, metadata: 'k=v' })).text).toBe('ok');
    const twice = await nacos.post('/v1/ns/service', at);
    expect([twice.status, twice.text]).toEqual([400, 'specified service already exists, serviceName : OPS@@made']);
    expect((await nacos.post('/v3/admin/ns/service', at)).json()).toMatchObject({ code: 21_007, message: 'service already exist' });
    expect((await nacos.get('/v1/ns/service', at)).json()).toMatchObject({ name: 'made', groupName: 'OPS', protectThreshold: 0.3, metadata: { k: 'v' }, clusters: [] });
    await nacos.put('/v1/ns/service', { ...at, protectThreshold: 0.6 });
    expect((await nacos.get('/v2/ns/service', at)).json()).toMatchObject({ data: { protectThreshold: 0.6 } });
    expect((await nacos.get('/v1/ns/service/list', { pageNo: 1, pageSize: 10, groupName: 'OPS' })).json()).toEqual({ count: 1, doms: ['made'] });
    await register('made', 'a', { groupName: 'OPS' });
    expect((await nacos.delete('/v1/ns/service', at)).text).toContain('is not empty');
    await nacos.delete('/v1/ns/instance', { ...at, ip: 'a', port: 80 });
    expect((await nacos.delete('/v1/ns/service', at)).text).toBe('ok');
    expect((await nacos.get('/v1/ns/service', at)).status).toBe(404);
  });

  test('is in pages, in order of names', async () => {
    for (const name of ['p3', 'p1', 'p2']) await register(name, 'a', { groupName: 'PAGES' });
    const page = async (pageNo: number) => (await nacos.get('/v2/ns/service/list', { pageNo, pageSize: 2, groupName: 'PAGES' })).json();
    expect([await page(1), await page(2), await page(3)]).toMatchObject([
      { data: { count: 3, services: ['p1', 'p2'] } },
      { data: { count: 3, services: ['p3'] } },
      { data: { count: 3, services: [] } },
    ]);
    expect((await nacos.get('/v1/ns/catalog/services', { pageNo: 1, pageSize: 2, groupNameParam: 'PAGES', serviceNameParam: 'p' })).json()).toMatchObject({ count: 3, serviceList: [{ name: 'p1', ipCount: 1 }, { name: 'p2' }] });
    expect((await nacos.get('/v1/ns/catalog/instances', { serviceName: 'PAGES@@p1', clusterName: 'DEFAULT', pageNo: 1, pageSize: 5 })).json()).toMatchObject({ count: 1, list: [{ ip: 'a' }] });
    expect((await nacos.get('/v1/ns/catalog/service', { serviceName: 'PAGES@@p1' })).json()).toMatchObject({ service: { name: 'p1', groupName: 'PAGES' }, clusters: [{ name: 'DEFAULT' }] });
  });

  test('with a selector is refused', async () => {
    const { status, text } = await nacos.post('/v1/ns/service', { serviceName: 'selected', selector: '{"type":"label","expression":"x"}' });
    expect([status, text]).toEqual([400, 'selector type "label" is not supported; only \'none\' is: leave it out']);
  });

  test('says the health of its instances', async () => {
    await register('statuses', 'a', { namespaceId: 'team-s' });
    expect((await nacos.get('/v1/ns/instance/statuses', { key: 'team-s##statuses' })).json()).toEqual({ ips: ['a:80_true'] });
  });
});

describe('other protocols', () => {
  test('see an instance of Nacos, and Nacos sees theirs', async () => {
    await register('shared', '10.7.7.7', { groupName: 'PAY', metadata: '{"version":"2"}' });
    const { port } = { port: nacos.server.ports.http };
    const consul = async <T>(path: string, init: RequestInit = {}) => (await (await fetch(`http://127.0.0.1:${port}${path}`, init)).text().then((text) => (text === '' ? undefined : JSON.parse(text)))) as T;
    expect(await consul(`/v1/health/service/${encodeURIComponent('PAY@@shared')}?passing`)).toMatchObject([{ Service: { Address: '10.7.7.7', Port: 80, Meta: { version: '2' } } }]);
    await consul('/v1/agent/service/register', { method: 'PUT', body: JSON.stringify({ Name: 'from-consul', ID: 'c1', Address: '10.8.8.8', Port: 81, Tags: ['blue'] }) });
    expect((await list('from-consul')).hosts).toMatchObject([{ ip: '10.8.8.8', port: 81, healthy: true, ephemeral: true, metadata: { tags: 'blue' } }]);
  });
});

describe('parameters', () => {
  test('may be in the query or in the form, for every method', async () => {
    const fields = { serviceName: 'anywhere', ip: 'a', port: 80 };
    expect((await nacos.ask('POST', '/v1/ns/instance', { query: fields })).text).toBe('ok');
    expect((await nacos.ask('DELETE', '/v1/ns/instance', { form: fields })).text).toBe('ok');
    expect(await all('anywhere')).toEqual([]);
  });

  test('in a JSON body are refused with what to do', async () => {
    const { status, text } = await nacos.ask('POST', '/v1/ns/instance', { body: '{}', headers: { 'content-type': 'application/json' } });
    expect([status, text]).toEqual([400, expect.stringContaining('application/x-www-form-urlencoded')]);
  });

  test.each<[Fields, number, string]>([
    [{ serviceName: 'x', ip: 'a', port: 99_999 }, 400, "Param 'port' is illegal"],
    [{ serviceName: 'x', ip: 'a', port: 80, weight: 10_001 }, 400, 'weights range'],
    [{ serviceName: 'x', ip: 'a', port: 80, metadata: 'nonsense' }, 400, "Param 'metadata' is illegal"],
    [{ serviceName: 'x', ip: 'a', port: 80, metadata: JSON.stringify({ k: 'v'.repeat(20_000) }) }, 400, '20001 characters, the limit is 16384'],
    [{ serviceName: 'x', ip: 'a', port: 80, namespaceId: 'default' }, 400, "use 'public'"],
    [{ serviceName: 'x', ip: 'a', port: 80, namespaceId: 'no_good' }, 400, 'namespace id'],
    [{ serviceName: '', ip: 'a', port: 80 }, 400, "Param 'serviceName' is required."],
  ])('that are bad (%j) get a %i', async (fields, status, text) => {
    const plain = await nacos.post('/v1/ns/instance', fields);
    expect([plain.status, plain.text]).toEqual([status, expect.stringContaining(text)]);
    const wrapped = await nacos.post('/v2/ns/instance', fields);
    expect([wrapped.status, wrapped.json<{ data: string }>().data]).toEqual([status, expect.stringContaining(text)]);
  });
});
