/**
 * One registry: an instance that is registered by one protocol is read by every other, with everything that both can say. The table of
 * docs/concepts/model.md says in words where each protocol has each field; here it is tried, cell by cell.
 */

import type { InstanceStatus } from '@rollcall/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newSession, SocketClient } from './frontend/stream/socket-client.case.ts';
import { manualClock, pass } from './manual-clock.case.ts';
import { eurekaInstances, get, labels, nacosHosts, nacosInstance, place, readers, registerByEureka, send, start, streamItems, writers } from './one-registry.case.ts';
import { statuses } from './registry/kind/catalog/effective-status.ts';
import { instancesOfService } from './registry/kind/catalog/find.ts';
import type { InstanceRow } from './registry/kind/catalog/rows.ts';
import type { Server } from './server.ts';

const rows = (server: Server): readonly InstanceRow[] => [...instancesOfService(server.registry.state, 'default', place.service)];

/** As an operator: sets the override or `enabled` of the only instance. @returns the effective status as the admin API says it */
async function administer(server: Server, settings: object): Promise<string> {
  const answer = await send(server, 'PUT', '/rollcall/v1/instance/status', { service: place.service, id: rows(server)[0]?.id, ...settings });
  return (JSON.parse(answer) as { effective: string }).effective;
}

/** The number of instances, as the admin API says it. */
const counted = async (server: Server) => (await get<{ counts: { instances: number } }>(server, '/rollcall/v1/status')).counts.instances;

/** What every reader shows of the only instance once the registry's own word for its status is this one. */
async function expectEveryWhere(server: Server, status: InstanceStatus): Promise<void> {
  const [row] = rows(server);
  if (row === undefined) throw new Error('the instance is gone');
  expect(statuses(server.registry.state)(row)).toBe(status);
  for (const reader of readers) {
    await expect.poll(async () => [reader.name, await reader.status(server)]).toEqual([reader.name, reader.words[status]]);
  }
}

describe.each(writers)('what $name registers', (writer) => {
  test('the admin API counts, and no longer after its removal', async () => {
    const server = await start();
    const before = await counted(server);
    const { remove } = await writer.register(server);
    expect(await get(server, `/rollcall/v1/service?name=${place.service}`)).toMatchObject({ namespace: 'default', name: place.service, instances: 1 });
    expect(await counted(server)).toBe(before + 1);
    await remove();
    expect(await counted(server)).toBe(before);
  });

  test.each(readers)('$name shows, and no longer after its removal', async (reader) => {
    const server = await start();
    const { remove } = await writer.register(server);
    // The index of DNS may be up to a second older.
    await expect.poll(() => reader.read(server)).toEqual([reader.shows(writer.said, writer.name)]);
    await remove();
    await expect.poll(() => reader.read(server)).toEqual([]);
  });

  test('has for every reader the status that an operator sets, and its own again afterwards', async () => {
    const server = await start();
    await writer.register(server);
    await expectEveryWhere(server, 'passing');
    for (const [override, status] of [['out_of_service', 'maintenance'], ['draining', 'draining'], ['starting', 'starting'], ['down', 'critical']] as const) {
      expect(await administer(server, { override })).toBe(status);
      await expectEveryWhere(server, status);
    }
    await administer(server, { override: null });
    await expectEveryWhere(server, 'passing');
    expect(await administer(server, { enabled: false })).toBe('maintenance');
    await expectEveryWhere(server, 'maintenance');
    await administer(server, { enabled: true });
    await expectEveryWhere(server, 'passing');
  });
});

/** By Consul's agent API, whose callers know the id of the instance from a list. */
const maintain = (server: Server, enable: boolean) => send(server, 'PUT', `/v1/agent/service/maintenance/${encodeURIComponent(rows(server)[0]?.id ?? '')}?enable=${enable}`);

/** A status that a protocol says itself, and the registry's word for it. */
const said: readonly (readonly [name: string, status: InstanceStatus, say: (server: Server) => Promise<unknown>])[] = [
  ['Consul, by a check that warns', 'warning', async (server) => { await byName('Consul').register(server); await send(server, 'PUT', '/v1/agent/check/warn/service:o1'); }],
  ['Consul, by a check that fails', 'critical', async (server) => { await byName('Consul').register(server); await send(server, 'PUT', '/v1/agent/check/fail/service:o1'); }],
  ['Consul, by maintenance', 'maintenance', async (server) => { await byName('Consul').register(server); await send(server, 'PUT', '/v1/agent/service/maintenance/o1?enable=true'); }],
  ['Consul, by maintenance of an instance of Eureka', 'maintenance', async (server) => { await byName('Eureka').register(server); await maintain(server, true); }],
  ['Consul, by maintenance of an instance of Nacos over HTTP', 'maintenance', async (server) => { await byName('Nacos over HTTP').register(server); await maintain(server, true); }],
  ['Consul, by maintenance of an instance of Nacos over gRPC', 'maintenance', async (server) => { await byName('Nacos over gRPC').register(server); await maintain(server, true); }],
  ['Consul, by the end of that maintenance', 'passing', async (server) => { await byName('Eureka').register(server); await maintain(server, true); await maintain(server, false); }],
  ['the native stream, by drain', 'draining', async (server) => { await (await byName('the native stream').register(server)).drain?.(); }],
  ['Eureka, by STARTING', 'starting', (server) => registerByEureka(server, { status: 'STARTING' })],
  ['Eureka, by OUT_OF_SERVICE', 'maintenance', (server) => registerByEureka(server, { status: 'OUT_OF_SERVICE' })],
  ['Eureka, by DOWN', 'critical', (server) => registerByEureka(server, { status: 'DOWN' })],
  ['Eureka, by an override', 'maintenance', async (server) => { await registerByEureka(server); await send(server, 'PUT', '/eureka/apps/ORDERS/h1:orders:8080/status?value=OUT_OF_SERVICE'); }],
  ['Nacos, by enabled=false', 'maintenance', (server) => send(server, 'POST', `/nacos/v1/ns/instance?${nacosInstance({ enabled: 'false' })}`)],
];

function byName(name: string) {
  const writer = writers.find((each) => each.name === name);
  if (writer === undefined) throw new Error(`no writer ${name}`);
  return writer;
}

test.each(said)('a status said by %s is %s for every reader', async (_name, status, say) => {
  const server = await start();
  await say(server);
  await expectEveryWhere(server, status);
});

describe('the death of a registrant', () => {
  const dead: readonly (readonly [writer: string, criticalMs: number, removedMs: number])[] = [
    // The TTL is 10 s, and the check says that the instance goes after a minute.
    ['Consul', 11_000, 90_000],
    // The grace of its stream.
    ['the native stream', 0, 31_000],
    ['Eureka', 91_000, 200_000],
    ['Nacos over HTTP', 16_000, 20_000],
    ['Nacos over gRPC', 0, 31_000],
  ];

  test.each(dead)('%s: after %i ms every reader sees that it is down, and after %i ms more that it is gone', async (name, criticalMs, removedMs) => {
    const clock = manualClock();
    const server = await start({ clock });
    const { kill } = await byName(name).register(server);
    kill?.();
    await pass(clock, criticalMs + 1_000);
    // The end of a connection takes some turns of the event loop.
    await expect.poll(() => rows(server).map((row) => statuses(server.registry.state)(row))).toEqual(['critical']);
    await pass(clock, 1_000);
    for (const reader of readers) {
      // A lapsed lease of Eureka is not in Eureka's lists, as after an eviction there.
      const word = name === 'Eureka' && reader.name === 'Eureka' ? undefined : reader.words.critical;
      expect([reader.name, await reader.status(server)]).toEqual([reader.name, word]);
    }
    await pass(clock, removedMs);
    for (const reader of readers) expect([reader.name, await reader.read(server)]).toEqual([reader.name, []]);
  });
});

describe('a further port, and the scheme of the first', () => {
  type Shown = readonly [scheme: string | undefined, ports: Readonly<Record<string, number>>];

  const only = (texts: object | undefined, keys: RegExp) => Object.fromEntries(Object.entries(texts ?? {}).filter(([key]) => keys.test(key)));
  const renamed = (ports: Shown[1], prefix: string) => Object.fromEntries(Object.entries(ports).map(([name, port]) => [prefix + name, String(port)]));

  /** What each protocol that has named ports shows of them; Consul's API and DNS have none. */
  const portReaders: readonly (readonly [name: string, read: (server: Server) => Promise<unknown>, shows: (...shown: Shown) => unknown])[] = [
    [
      'the native stream',
      async (server) => (await streamItems(server)).map(({ scheme, ports }) => [scheme, Object.entries((ports ?? {}) as Record<string, { port: number }>).map(([name, { port }]) => [name, port])])[0],
      (scheme, ports) => [scheme, Object.entries(ports)],
    ],
    [
      'Eureka',
      async (server) => (await eurekaInstances(server)).map(({ port, securePort }) => [port, securePort].map((each) => (each['@enabled'] === 'true' ? each.$ : undefined)))[0],
      // A scheme other than https, and names other than `secure`, cannot be said.
      (scheme, { secure }) => (scheme === 'https' ? [undefined, place.port] : [place.port, secure]),
    ],
    [
      'Nacos',
      async (server) => only((await nacosHosts(server))[0]?.metadata, /^(scheme|port\..*)$/),
      (scheme, ports) => ({ ...(scheme === undefined ? {} : { scheme }), ...renamed(ports, 'port.') }),
    ],
    [
      'Prometheus',
      async (server) => only((await labels(server))[0]?.labels, /^__meta_rollcall_(scheme|port_.*)$/),
      (scheme, ports) => ({ ...(scheme === undefined ? {} : { __meta_rollcall_scheme: scheme }), ...renamed(ports, '__meta_rollcall_port_') }),
    ],
  ];

  async function registerByStream(server: Server, more: object): Promise<void> {
    const client = await SocketClient.greeted(server.url, { graceMs: 30_000, session: newSession() });
    onTestFinished(() => client.webSocket.terminate());
    const answer = await client.ask({ type: 'register', instances: [{ ...place, id: 'o1', ...more }] });
    expect(answer.type).toBe('done');
  }

  const registered: readonly (readonly [how: string, register: (server: Server) => Promise<unknown>, ...shown: Shown])[] = [
    ['the native stream, with two', (server) => registerByStream(server, { scheme: 'http', ports: { admin: { port: 9_090 }, secure: { port: 8_443, scheme: 'https' } } }), 'http', { admin: 9_090, secure: 8_443 }],
    ['the native stream, with https', (server) => registerByStream(server, { scheme: 'https' }), 'https', {}],
    ['Eureka, with a secure port', (server) => registerByEureka(server, { securePort: { $: 8_443, '@enabled': 'true' } }), undefined, { secure: 8_443 }],
    ['Eureka, with a secure port only', (server) => registerByEureka(server, { port: { $: 80, '@enabled': 'false' }, securePort: { $: place.port, '@enabled': 'true' } }), 'https', {}],
    ['Nacos', (server) => send(server, 'POST', `/nacos/v1/ns/instance?${nacosInstance()}`), undefined, {}],
  ];

  test.each(registered)('registered by %s, is shown by every protocol that can say it', async (_how, register, scheme, ports) => {
    const server = await start();
    await register(server);
    for (const [name, read, shows] of portReaders) expect([name, await read(server)]).toEqual([name, shows(scheme, ports)]);
  });
});

describe('nothing is lost on the way back', () => {
  test('a Eureka instance that an operator took out and back has all of its own fields', async () => {
    const server = await start();
    await registerByEureka(server, { appGroupName: 'SHOP', homePageUrl: 'http://h1.example/', leaseInfo: { renewalIntervalInSecs: 11, durationInSecs: 33 } });
    const read = async () => {
      const { instance } = await get<{ instance: Record<string, unknown> }>(server, '/eureka/apps/ORDERS/h1:orders:8080');
      const { lastUpdatedTimestamp: _at, actionType: _action, leaseInfo, ...rest } = instance;
      return { ...rest, durations: [(leaseInfo as Record<string, unknown>)['renewalIntervalInSecs'], (leaseInfo as Record<string, unknown>)['durationInSecs']] };
    };
    const before = await read();
    expect(before).toMatchObject({ hostName: 'h1.example', appGroupName: 'SHOP', vipAddress: 'orders-vip', durations: [11, 33] });
    await administer(server, { override: 'out_of_service' });
    expect(await read()).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
    await administer(server, { override: null });
    const { lastDirtyTimestamp: _before, ...was } = before as Record<string, unknown>;
    const { lastDirtyTimestamp: _after, ...is } = (await read()) as Record<string, unknown>;
    expect(is).toEqual(was);
  });

  test('a Consul instance whose metadata is changed by Eureka has all of its own fields', async () => {
    const server = await start();
    const own = { Kind: 'connect-proxy', Proxy: { DestinationServiceName: 'x' }, TaggedAddresses: { wan: { Address: '1.2.3.4', Port: 81 } }, EnableTagOverride: true };
    await send(server, 'PUT', '/v1/agent/service/register', { ID: 'o1', Name: place.service, Address: place.address, Port: place.port, Tags: ['a'], ...own });
    await send(server, 'PUT', '/eureka/apps/ORDERS/server-1:o1/metadata?team=shop');
    const [entry] = await get<{ Service: Record<string, unknown> }[]>(server, `/v1/health/service/${place.service}`);
    expect(entry?.Service).toMatchObject({ ...own, Tags: ['a'], Meta: { team: 'shop' } });
  });

  test('a Nacos instance whose metadata is changed by Eureka has all of its own fields', async () => {
    const server = await start();
    await send(server, 'POST', `/nacos/v1/ns/instance?${nacosInstance({ metadata: '{"a":"1","preserved.heart.beat.timeout":"20000"}' })}`);
    await send(server, 'PUT', `/eureka/apps/ORDERS/${encodeURIComponent(rows(server)[0]?.id ?? '')}/metadata?team=shop`);
    const { hosts } = await get<{ hosts: object[] }>(server, `/nacos/v1/ns/instance/list?serviceName=${place.service}`);
    expect(hosts).toMatchObject([{ clusterName: 'c1', weight: 3, instanceHeartBeatTimeOut: 20_000, metadata: { 'a': '1', 'team': 'shop', 'preserved.heart.beat.timeout': '20000' } }]);
  });
});
