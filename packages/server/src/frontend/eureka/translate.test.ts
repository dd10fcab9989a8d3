/** Eureka's instances and the registry's rows: nothing is lost on the way to a row and back, and rows of other protocols are valid in Eureka. */

import type { InstanceStatus } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import type { InstanceInput } from '../../registry/kind/catalog/commands.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { infoOf, registration, statusOf, vipsOf } from './translate.ts';
import { registeredStatus } from './status-rules.ts';
import { readInstance } from './wire/read-instance.ts';
import type { EurekaStatus } from './wire/instance-info.ts';

const least = { instanceId: 'h1:web:8080', hostName: 'h1', app: 'Web', ipAddr: '10.0.0.1', dataCenterInfo: { name: 'MyOwn' } };

function rowOf({ enabled: _enabled, persistent: _persistent, ...input }: InstanceInput, more: Partial<InstanceRow> = {}): InstanceRow {
  return {
    ...{ kind: 'instance', namespace: 'default', node: '', address: '', port: 0, tags: [], meta: {}, weight: 1 },
    ...input,
    ...{ registeredMs: 1_000, created: 1, modified: 1 },
    ...more,
  } as InstanceRow;
}

function registered(more: object, status: EurekaStatus = 'UP'): InstanceRow {
  const [input] = registration(readInstance({ ...least, ...more }, false), status, { factor: 1 }).instances ?? [];
  return rowOf(input as InstanceInput);
}

describe('a registration', () => {
  test('writes the service in lower case, under an id with the service, and its lease', () => {
    const command = registration(readInstance({ ...least, leaseInfo: { durationInSecs: 15 } }, false), 'UP', { factor: 1 });
    expect(command).toMatchObject({ namespace: 'default', nodeMode: 'none', node: { name: '' } });
    expect(command.instances).toMatchObject([{ id: 'web/h1:web:8080', service: 'web', address: '10.0.0.1', port: 7_001, status: 'up' }]);
    expect(command.checks).toMatchObject([{ id: 'eureka:web/h1:web:8080', type: 'ttl', status: 'passing', instance: 'web/h1:web:8080', definition: { ttlMs: 15_000, deregisterCriticalAfterMs: 60_000 } }]);
  });

  test('has a lease of twice the time, as Eureka\'s own server, when it must', () => {
    const { checks } = registration(readInstance(least, false), 'UP', { factor: 2 });
    expect(checks?.[0]?.definition).toEqual({ ttlMs: 180_000, deregisterCriticalAfterMs: 180_000 });
  });

  test('says zone, weight and tags by metadata', () => {
    const row = registered({ metadata: { zone: 'z1', weight: '2.5', tags: 'blue, canary,blue' } });
    expect(row).toMatchObject({ zone: 'z1', weight: 2.5, tags: ['blue', 'canary'], meta: { zone: 'z1', weight: '2.5', tags: 'blue, canary,blue' } });
    expect(registered({ metadata: { weight: 'heavy' } }).weight).toBe(1);
    expect(registered({ dataCenterInfo: { name: 'Amazon', metadata: { 'availability-zone': 'eu-1a' } } }).zone).toBe('eu-1a');
  });

  test('with only the secure port is an https instance', () => {
    const row = registered({ port: { $: 80, '@enabled': 'false' }, securePort: { $: 443, '@enabled': 'true' } });
    expect(row).toMatchObject({ port: 443, scheme: 'https' });
    expect(row.ports).toBeUndefined();
  });

  test.each<[string, object]>([
    ['plain', {}],
    ['with both ports', { port: { $: 1, '@enabled': 'true' }, securePort: { $: 2, '@enabled': 'true' } }],
    ['with the secure port alone', { port: { $: 1, '@enabled': 'false' }, securePort: { $: 2, '@enabled': 'true' } }],
    ['with no port', { port: { $: 1, '@enabled': 'false' }, securePort: { $: 2, '@enabled': 'false' } }],
    ['with pages, vips and a lease of its own', { vipAddress: 'a,b', secureVipAddress: 's', homePageUrl: 'http://h', leaseInfo: { renewalIntervalInSecs: 5, durationInSecs: 15 } }],
    ['of Amazon', { dataCenterInfo: { name: 'Amazon', metadata: { 'instance-id': 'i-1' } }, countryId: 2, lastDirtyTimestamp: 9 }],
    ['with metadata', { metadata: { zone: 'z', a_b: '1' } }],
  ])('%s comes back as it was', (_name, more) => {
    const given = readInstance({ ...least, ...more }, false);
    const { leaseInfo, lastUpdatedTimestamp: _updated, lastDirtyTimestamp, actionType: _action, ...info } = infoOf(registered(more), 'passing', '');
    const { leaseInfo: givenLease, lastUpdatedTimestamp: _givenUpdated, lastDirtyTimestamp: givenDirty, ...expected } = given;
    expect(info).toEqual({ ...expected, app: 'WEB' });
    expect(leaseInfo).toMatchObject({ renewalIntervalInSecs: givenLease.renewalIntervalInSecs, durationInSecs: givenLease.durationInSecs });
    expect(lastDirtyTimestamp).toBe(givenDirty || 1_000);
  });

  test('with the status UNKNOWN is up to others, and UNKNOWN to Eureka', () => {
    const row = registered({}, 'UNKNOWN');
    expect(row.status ?? 'up').toBe('up');
    expect(infoOf(row, 'passing', '').status).toBe('UNKNOWN');
  });
});

describe('an instance of another protocol', () => {
  const row = rowOf({ id: 'o1', service: 'Orders', port: 80, tags: ['a', 'b'], meta: { k: 'v', zone: 'own' }, weight: 3, zone: 'z' }, { node: 'n1' });

  test('has everything that Java clients need, and what Eureka cannot say as metadata', () => {
    expect(infoOf(row, 'passing', '10.0.0.9')).toMatchObject({
      ...{ instanceId: 'n1:o1', app: 'ORDERS', hostName: '10.0.0.9', ipAddr: '10.0.0.9', vipAddress: 'Orders', status: 'UP' },
      ...{ port: { port: 80, enabled: true }, securePort: { port: 7_002, enabled: false }, dataCenterInfo: { name: 'MyOwn' } },
      ...{ leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 }, metadata: { zone: 'own', weight: '3', tags: 'a,b', k: 'v' } },
    });
    expect(vipsOf(row, 'vipAddress')).toEqual(['Orders']);
    expect(vipsOf(row, 'secureVipAddress')).toEqual([]);
  });

  test('shows a secure port by its scheme', () => {
    expect(infoOf({ ...row, scheme: 'https' }, 'passing', '')).toMatchObject({ port: { enabled: false }, securePort: { port: 80, enabled: true } });
    expect(infoOf({ ...row, ports: { api: { port: 443, scheme: 'https' } } }, 'passing', '').securePort).toEqual({ port: 443, enabled: true });
  });
});

test.each<[InstanceStatus, EurekaStatus]>([
  ['passing', 'UP'],
  ['warning', 'UP'],
  ['starting', 'STARTING'],
  ['draining', 'OUT_OF_SERVICE'],
  ['maintenance', 'OUT_OF_SERVICE'],
  ['critical', 'DOWN'],
])('the effective status %s is %s', (status, expected) => {
  expect(statusOf(status)).toBe(expected);
});

describe('a client that registers again', () => {
  const normal = { before: 'UP', overridden: false, replicated: false } as const;
  test.each<[string, EurekaStatus, Parameters<typeof registeredStatus>[1], EurekaStatus]>([
    ['is believed when it is down', 'DOWN', normal, 'DOWN'],
    ['is believed when it starts', 'STARTING', { ...normal, overridden: true }, 'STARTING'],
    ['keeps its word beside an override', 'UP', { ...normal, before: 'OUT_OF_SERVICE', overridden: true }, 'UP'],
    ['stays up by its lease', 'OUT_OF_SERVICE', normal, 'UP'],
    ['stays out of service by its lease', 'UP', { ...normal, before: 'OUT_OF_SERVICE' }, 'OUT_OF_SERVICE'],
    ['is up after it was down', 'UP', { ...normal, before: 'DOWN' }, 'UP'],
    ['is up for the first time', 'UP', { ...normal, before: undefined }, 'UP'],
    ['is believed when another server says so', 'OUT_OF_SERVICE', { ...normal, replicated: true }, 'OUT_OF_SERVICE'],
  ])('%s', (_name, given, about, expected) => {
    expect(registeredStatus(given, about)).toBe(expected);
  });
});
