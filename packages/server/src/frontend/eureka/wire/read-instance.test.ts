/** What clients send as an instance: every spelling that is accepted, and the texts of refusals. Both forms come back as they were written. */

import { describe, expect, test } from 'vitest';
import type { InstanceInfo } from './instance-info.ts';
import { InstanceError, readInstance } from './read-instance.ts';
import { instanceJson } from './write-json.ts';
import { instanceXml } from './write-xml.ts';
import { readXml } from './xml-reader.ts';

const least = { hostName: 'h1', app: 'web', ipAddr: '10.0.0.1', dataCenterInfo: { name: 'MyOwn' } };
const read = (more: object = {}) => readInstance({ ...least, ...more }, false);

describe('an instance', () => {
  test('without optional fields gets Eureka\'s defaults, and its host name as its id', () => {
    expect(read()).toMatchObject({
      ...{ instanceId: 'h1', app: 'WEB', status: 'UP', overriddenStatus: 'UNKNOWN', countryId: 1 },
      port: { port: 7_001, enabled: true },
      securePort: { port: 7_002, enabled: false },
      leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
      dataCenterInfo: { name: 'MyOwn' },
    });
  });

  test.each<[string, object, Partial<InstanceInfo>]>([
    ['a bare number as a port', { port: 8_080 }, { port: { port: 8_080, enabled: true } }],
    ['a port as text, and enabled as a boolean', { port: { $: '80', '@enabled': true } }, { port: { port: 80, enabled: true } }],
    ['a port that is off', { port: { $: 80, '@enabled': 'false' } }, { port: { port: 80, enabled: false } }],
    ['overriddenstatus', { overriddenstatus: 'OUT_OF_SERVICE' }, { overriddenStatus: 'OUT_OF_SERVICE' }],
    ['overriddenStatus', { overriddenStatus: 'down' }, { overriddenStatus: 'DOWN' }],
    ['a status that it does not know', { status: 'FINE' }, { status: 'UNKNOWN' }],
    ['explicit nulls', { appGroupName: null, asgName: null, metadata: null, leaseInfo: null, port: null, actionType: null }, { metadata: {} }],
    ['timestamps as text', { lastDirtyTimestamp: '1700000000000' }, { lastDirtyTimestamp: 1_700_000_000_000 }],
    ['the id of an Amazon machine', { dataCenterInfo: { name: 'Amazon', metadata: { 'instance-id': 'i-1' } } }, { instanceId: 'i-1' }],
    ['the class of a map, which is no entry', { metadata: { '@class': 'java.util.Collections$EmptyMap', k: 1, b: true } }, { metadata: { k: '1', b: 'true' } }],
    ['a lease without a duration', { leaseInfo: { renewalIntervalInSecs: 5, durationInSecs: 0 } }, { leaseInfo: expect.objectContaining({ renewalIntervalInSecs: 5, durationInSecs: 90 }) as InstanceInfo['leaseInfo'] }],
  ])('may have %s', (_name, more, expected) => {
    expect(read(more)).toMatchObject(expected);
  });

  test.each<[string, unknown, RegExp]>([
    ['that is no object', [], /an instance is expected/],
    ['without a name or host', { ...least, hostName: undefined }, /^Missing instanceId$/],
    ['without a host', { ...least, hostName: '', instanceId: 'x' }, /^Missing hostname$/],
    ['without an address', { ...least, ipAddr: null }, /^Missing ip address$/],
    ['without an app', { ...least, app: ' ' }, /^Missing appName$/],
    ['without a data center', { ...least, dataCenterInfo: undefined }, /^Missing dataCenterInfo$/],
    ['without the name of one', { ...least, dataCenterInfo: {} }, /^Missing dataCenterInfo Name$/],
    ['in a data center that Java clients cannot read', { ...least, dataCenterInfo: { name: 'Mars' } }, /it must be one of MyOwn, Amazon, Netflix/],
    ['with a port beyond the last', { ...least, port: 65_536 }, /port is 65536/],
    ['with a port that is no number', { ...least, port: { $: 'http' } }, /\$ is "http"/],
    ['with an object as a text', { ...least, vipAddress: {} }, /vipAddress must be a text/],
    ['with a list as metadata', { ...least, metadata: ['a'] }, /metadata must be an object/],
    ['with an object in metadata', { ...least, metadata: { a: {} } }, /metadata "a" must be a text/],
    ['with too much metadata', { ...least, metadata: { a: 'x'.repeat(65_536) } }, /metadata has 65537 bytes, the limit is 65536/],
    ['with too many entries', { ...least, metadata: Object.fromEntries(Array.from({ length: 513 }, (_, at) => [`k${at}`, ''])) }, /513 entries, the limit is 512/],
    ['with a long id', { ...least, instanceId: 'x'.repeat(513) }, /instanceId has 513 bytes, the limit is 512/],
    ['with NUL in its id', { ...least, instanceId: 'a\0b' }, /control characters/],
  ])('%s is refused', (_name, value, message) => {
    expect(() => readInstance(value, false)).toThrow(InstanceError);
    expect(() => readInstance(value, false)).toThrow(message);
  });
});

test('metadata named like fields of a prototype is kept as it is', () => {
  const { metadata } = readInstance({ ...least, metadata: JSON.parse('{"__proto__": "1", "constructor": "2"}') }, false);
  expect(Object.entries(metadata)).toEqual([['__proto__', '1'], ['constructor', '2']]);
});

describe('an instance with every field is read back', () => {
  const full = read({
    ...{ instanceId: 'h1:web:8080 [?#]', status: 'STARTING', overriddenStatus: 'OUT_OF_SERVICE', countryId: 7 },
    ...{ port: { $: 8_080, '@enabled': 'true' }, securePort: { $: 8_443, '@enabled': 'true' } },
    dataCenterInfo: { name: 'Amazon', metadata: { 'instance-id': 'i-1', 'availability-zone': 'eu-1a' } },
    leaseInfo: { renewalIntervalInSecs: 5, durationInSecs: 15, registrationTimestamp: 1, lastRenewalTimestamp: 2, evictionTimestamp: 3, serviceUpTimestamp: 4 },
    metadata: { 'a_b $ö': '<&>"\'', zone: 'z1', __proto__x: '1' },
    ...{ homePageUrl: 'http://h1/?a=1&b=2', vipAddress: 'web,web2', secureVipAddress: 'webs', appGroupName: 'G', asgName: 'asg' },
    ...{ isCoordinatingDiscoveryServer: true, lastUpdatedTimestamp: 5, lastDirtyTimestamp: 6 },
  });

  test('from JSON', () => {
    expect(readInstance(JSON.parse(instanceJson(full)), false)).toEqual(full);
  });

  test('from XML', () => {
    const { root, content } = readXml(instanceXml(full, ''));
    expect(root).toBe('instance');
    expect(readInstance(content, true)).toEqual(full);
  });
});

test('XML has no character that XML 1.0 forbids', () => {
  const xml = instanceXml(read({ metadata: { k: 'a\u0001b\ud800c\ud83d\ude00' } }), '');
  expect(xml).toContain('<k>a\uFFFDb\uFFFDc😀</k>');
});
