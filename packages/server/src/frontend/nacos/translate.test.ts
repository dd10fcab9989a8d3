import type { InstanceStatus } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../registry/journal.case.ts';
import { findCheck, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { probeOf, readInstance, readWeight, registration, toInstanceView, type Liveness } from './translate.ts';

const web = { group: 'DEFAULT_GROUP', name: 'web' };
const heartbeats: Liveness = { by: 'heartbeats' };
const id = '10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@web';

/** The row of an instance after it was registered with these fields. */
function registered(fields: Record<string, unknown>, liveness: Liveness = heartbeats, service = web): InstanceRow {
  const journal = new Journal();
  const instance = readInstance({ ip: '10.0.0.1', port: '8080', ...fields });
  const { outcomes } = journal.commit([registration('default', service, instance, liveness)], 1_000);
  expect(outcomes).toEqual([{ result: true }]);
  const [row] = instancesOfService(journal.state, 'default', service.group === 'DEFAULT_GROUP' ? service.name : `${service.group}@@${service.name}`);
  return row as InstanceRow;
}

describe('an instance of Nacos', () => {
  it('is one without a node, whose id has its service', () => {
    const row = registered({ weight: '2', metadata: { zone: 'z1', version: '7' }, clusterName: 'BLUE' }, heartbeats, { group: 'PAY', name: 'web' });
    expect(row).toMatchObject({ node: '', id: '10.0.0.1#8080#BLUE#PAY@@web', service: 'PAY@@web', address: '10.0.0.1', port: 8080, cluster: 'BLUE', weight: 2, zone: 'z1' });
    expect({ ...row.meta }).toEqual({ zone: 'z1', version: '7' });
    expect([row.foreign, row.persistent, row.enabled, row.session]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['registered as the captured client does', { weight: '2', metadata: { zone: 'z1' } }, { instanceId: id, weight: 2, metadata: { zone: 'z1' }, instanceIdGenerator: undefined }],
    ['without metadata', {}, { weight: 1, metadata: {}, instanceIdGenerator: 'simple', clusterName: 'DEFAULT', healthy: true, enabled: true, ephemeral: true }],
    ['that is persistent', { ephemeral: 'false' }, { ephemeral: false }],
    ['that is not enabled', { enabled: 'false' }, { enabled: true }],
    ['with an id of its own', { instanceId: 'mine' }, { instanceId: 'mine' }],
    [
      'with times of its own',
      { metadata: { 'preserved.heart.beat.interval': '1000', 'preserved.heart.beat.timeout': '3000', 'preserved.ip.delete.timeout': '9000', a: 'b' } },
      {
        instanceHeartBeatInterval: 1_000,
        instanceHeartBeatTimeOut: 3_000,
        ipDeleteTimeout: 9_000,
        metadata: { a: 'b', 'preserved.heart.beat.interval': '1000', 'preserved.heart.beat.timeout': '3000', 'preserved.ip.delete.timeout': '9000' },
      },
    ],
  ])('%s is shown as it was registered', (_what, fields, expected) => {
    const view = toInstanceView(registered(fields), undefined, 'passing', web);
    expect(view).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)));
    expect(view.serviceName).toBe('DEFAULT_GROUP@@web');
    if ('instanceIdGenerator' in expected) expect(view.instanceIdGenerator).toBe((expected as { instanceIdGenerator?: string }).instanceIdGenerator);
  });

  it('has tags, zone and region that its metadata names', () => {
    const row = registered({ metadata: { tags: 'blue, canary,blue', zone: 'z1', region: 'eu' } });
    expect(row).toMatchObject({ tags: ['blue', 'canary'], zone: 'z1', region: 'eu' });
    expect({ ...toInstanceView(row, undefined, 'passing', web).metadata }).toEqual({ tags: 'blue, canary,blue', zone: 'z1', region: 'eu' });
  });

  it.each<[InstanceStatus, healthy: boolean, enabled: boolean]>([
    ['passing', true, true],
    ['warning', true, true],
    ['starting', false, false],
    ['draining', false, false],
    ['critical', false, true],
    ['maintenance', false, false],
  ])('with the status %s is shown healthy %s, enabled %s', (status, healthy, enabled) => {
    const view = toInstanceView(registered({}), undefined, status, web);
    expect([view.healthy, view.enabled]).toEqual([healthy, enabled]);
  });

  it('of another protocol has an id of its node, and its zone, tags, scheme and ports as metadata', () => {
    const journal = new Journal();
    journal.commit([
      {
        kind: 'register',
        namespace: 'default',
        node: { name: 'n1', address: '10.0.0.9' },
        nodeMode: 'update',
        instances: [{ id: 'web-1', service: 'web', port: 80, zone: 'z2', region: 'eu', scheme: 'https', tags: ['a', 'b'], ports: { admin: { port: 81 } }, meta: { zone: 'mine' } }],
      },
    ]);
    const [row] = instancesOfService(journal.state, 'default', 'web');
    const node = { kind: 'node', name: 'n1', id: '', address: '10.0.0.9', meta: {}, created: 1, modified: 1 } as const;
    expect(toInstanceView(row as InstanceRow, node, 'passing', web)).toMatchObject({
      instanceId: 'n1#web-1',
      ip: '10.0.0.9',
      port: 80,
      clusterName: 'DEFAULT',
      metadata: { zone: 'mine', region: 'eu', scheme: 'https', tags: 'a,b', 'port.admin': '81' },
    });
  });
});

describe('the check of an instance', () => {
  it.each<[string, Record<string, unknown>, Liveness, string, object]>([
    ['with heartbeats', {}, heartbeats, `nacos:${id}`, { type: 'ttl', status: 'passing', definition: { ttlMs: 15_000, deregisterCriticalAfterMs: 15_000 } }],
    [
      'with heartbeats and times of its own',
      { metadata: { 'preserved.heart.beat.interval': '100', 'preserved.heart.beat.timeout': '300', 'preserved.ip.delete.timeout': '900' } },
      heartbeats,
      `nacos:${id}`,
      { type: 'ttl', definition: { ttlMs: 300, deregisterCriticalAfterMs: 600 } },
    ],
    [
      'that is probed',
      { ephemeral: 'false', healthy: 'false' },
      { by: 'probes', probe: probeOf({ ip: '10.0.0.1', port: 8080 }) },
      `nacos:${id}`,
      { type: 'tcp', status: 'critical', definition: { tcp: '10.0.0.1:8080', intervalMs: 5_000, timeoutMs: 3_000, failuresBeforeCritical: 3 } },
    ],
  ])('%s', (_what, fields, liveness, check, expected) => {
    const journal = new Journal();
    journal.commit([registration('default', web, readInstance({ ip: '10.0.0.1', port: 8080, ...fields }), liveness)]);
    expect(findCheck(journal.state, 'default', '', check)).toMatchObject({ instance: id, ...expected });
  });

  it('goes when the instance comes back with another kind of liveness', () => {
    const journal = new Journal();
    const instance = readInstance({ ip: '10.0.0.1', port: 8080 });
    journal.commit([registration('default', web, instance, heartbeats)]);
    journal.commit([registration('default', web, instance, { by: 'probes', probe: { type: 'none', definition: {} } })]);
    expect(findCheck(journal.state, 'default', '', `nacos:${id}`)).toMatchObject({ type: 'none' });
  });
});

describe('a health checker of a cluster', () => {
  it.each([
    [{ type: 'TCP' }, undefined, { type: 'tcp', tcp: '10.0.0.1:8080' }],
    [{ type: 'tcp' }, 9_000, { type: 'tcp', tcp: '10.0.0.1:9000' }],
    [{ type: 'MYSQL' }, undefined, { type: 'tcp', tcp: '10.0.0.1:8080' }],
    [{ type: 'HTTP', path: '/up', headers: 'X-A:1|X-B: 2' }, undefined, { type: 'http', http: 'http://10.0.0.1:8080/up', header: { 'X-A': ['1'], 'X-B': ['2'] } }],
    [{ type: 'HTTP', path: 'up' }, undefined, { type: 'http', http: 'http://10.0.0.1:8080/up' }],
    [{ type: 'NONE' }, undefined, { type: 'none' }],
  ])('%j becomes a probe', (checker, port, { type, ...definition }) => {
    const probe = probeOf({ ip: '10.0.0.1', port: 8080 }, checker, port);
    expect(probe.type).toBe(type);
    expect(probe.definition).toMatchObject(definition);
  });

  it('reaches an IPv6 address', () => {
    expect(probeOf({ ip: '::1', port: 80 }).definition.tcp).toBe('[::1]:80');
  });
});

describe('what an operator set', () => {
  it('stays when the client registers again', () => {
    const journal = new Journal();
    const instance = readInstance({ ip: '10.0.0.1', port: 8080, weight: '5', metadata: { a: 'client', b: 'client' } });
    const first = registration('default', web, instance, heartbeats);
    const [input] = first.instances ?? [];
    const operator = { weight: 0, metadata: { a: 'operator', 'preserved.heart.beat.timeout': '60000' } };
    journal.commit([{ ...first, instances: [{ ...(input as object), foreign: { nacos: { operator } } } as never] }]);
    const [before] = [...instancesOfService(journal.state, 'default', 'web')];
    journal.commit([registration('default', web, instance, heartbeats, before)]);
    const [after] = [...instancesOfService(journal.state, 'default', 'web')];
    // The weight of a former version moves to the field of all protocols.
    expect(after).toMatchObject({ weight: 5, weightOverride: 0, foreign: { nacos: { operator: { metadata: operator.metadata } } } });
    expect(toInstanceView(after as InstanceRow, undefined, 'passing', web)).toMatchObject({
      weight: 0,
      metadata: { a: 'operator', b: 'client' },
      instanceHeartBeatTimeOut: 60_000,
    });
  });
});

describe('bad input', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ port: '1' }, "Param 'ip' is required."],
    [{ ip: 'a' }, "Param 'port' is required."],
    [{ ip: 'a', port: '1', weight: '-1' }, 'weights range from 0 to 10000'],
    [{ ip: 'a', port: '1', weight: 'heavy' }, 'weights range from 0 to 10000'],
    [{ ip: 'a', port: '1', clusterName: 'a b' }, "Param 'clusterName' is illegal"],
    [{ ip: 'a', port: '1', metadata: [] }, "Param 'metadata' is illegal"],
    [{ ip: 'a', port: '1', metadata: { 'preserved.heart.beat.timeout': '1' } }, "Instance 'heart beat interval' must less than"],
    [{ ip: 'a', port: '1', instanceId: 'x'.repeat(513) }, '513 characters, the limit is 512'],
  ])('%j is refused', (fields, reason) => {
    expect(() => readInstance(fields)).toThrow(reason);
  });

  it('is no weight of zero', () => {
    expect([readWeight('0'), readWeight(''), readWeight('10000')]).toEqual([0, 1, 10_000]);
  });
});
