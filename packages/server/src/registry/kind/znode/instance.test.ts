/** Znodes that are instances: what of their data other protocols see, and that both are removed together. */

import { describe, expect, it, test } from 'vitest';
import type { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { findInstance, instancesOfService } from '../catalog/find.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import { dataOf, instanceInData, isShownIn } from './curator.ts';
import { instanceInUrl } from './dubbo.ts';
import { findZnode } from './find.ts';
import { placeOf } from './instance-place.ts';
import { answers, close, create, ephemeral, namespace, remove, set, withSessions } from './znode.case.ts';

const bases = { curator: '/services', dubbo: '/dubbo' };

const spring = (more: object = {}) => ({
  ...{ name: 'orders', id: 'i1', address: '10.0.0.1', port: 8080, sslPort: null },
  payload: { '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance', id: 'orders', name: 'orders', metadata: { instance_status: 'UP', zone: 'z1', tags: 'blue, canary', weight: '3' } },
  ...{ registrationTimeUTC: 1_700_000_000_000, serviceType: 'DYNAMIC', uriSpec: { parts: [{ value: 'scheme', variable: true }] } },
  ...more,
});
const bytes = (value: object) => Buffer.from(JSON.stringify(value));

const provider = 'dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.acme.Greeter%3Fapplication%3Dgreeter%26dubbo.tag%3Dgray%26interface%3Dorg.acme.Greeter%26version%3D1.0.0%26weight%3D200';

function registered(): Journal {
  const journal = withSessions('s1');
  answers(journal, [create('/services'), create('/services/orders'), ephemeral('/services/orders/i1', 's1', { bases, data: bytes(spring()) })], 5);
  return journal;
}

const instance = ({ state }: Journal, path = '/services/orders/i1') => findInstance(state, namespace, '', path);

describe('a znode of Curator', () => {
  it('is an instance of its service, held by the session of the znode', () => {
    const journal = registered();
    expect(instance(journal)).toMatchObject({ service: 'orders', node: '', address: '10.0.0.1', port: 8080, zone: 'z1', tags: ['blue', 'canary'], weight: 3, session: 's1', registeredMs: 5 });
    expect(Array.from(instancesOfService(journal.state, namespace, 'orders'), ({ id }) => id)).toEqual(['/services/orders/i1']);
  });

  it('changes its instance with its data, and stays a znode when the data says nothing of one', () => {
    const journal = registered();
    answers(journal, [set('/services/orders/i1', JSON.stringify(spring({ port: 9 })), -1, { bases })]);
    expect(instance(journal)?.port).toBe(9);
    expect(answers(journal, [set('/services/orders/i1', 'no JSON', -1, { bases })])).toMatchObject([{ version: 2 }]);
    expect([instance(journal), findZnode(journal.state, namespace, '/services/orders/i1')?.instance]).toEqual([undefined, undefined]);
    answers(journal, [set('/services/orders/i1', JSON.stringify(spring()), -1, { bases })]);
    expect(instance(journal)?.session).toBe('s1');
  });

  it.each<readonly [string, Command]>([
    ['its session ends', close('s1')],
    ['it is deleted', remove('/services/orders/i1')],
    ['its instance is deregistered by another protocol', { kind: 'deregister-instance', namespace, node: '', id: '/services/orders/i1' }],
  ])('is removed with its instance when %s', (_title, command) => {
    const journal = registered();
    answers(journal, [{ kind: 'instance-status', namespace, node: '', id: '/services/orders/i1', override: 'out_of_service' }]);
    expect(answers(journal, [command])).toEqual([true]);
    expect([instance(journal), findZnode(journal.state, namespace, '/services/orders/i1')]).toEqual([undefined, undefined]);
    expect(Array.from(journal.state.rows(), ([key]) => key).filter((key) => key.startsWith('check'))).toEqual([]);
  });

  it('that is persistent is an instance that stays, and with children it outlives its instance', () => {
    const journal = withSessions('s1');
    const path = '/services/orders/fixed';
    answers(journal, [create('/services'), create('/services/orders'), create(path, { bases, data: bytes(spring({ serviceType: 'STATIC' })) }), create(`${path}/note`)]);
    expect(instance(journal, path)).toMatchObject({ persistent: true });
    answers(journal, [close('s1')]);
    expect(instance(journal, path)).toBeDefined();
    answers(journal, [{ kind: 'deregister-instance', namespace, node: '', id: path }]);
    expect([instance(journal, path), findZnode(journal.state, namespace, path)?.path]).toEqual([undefined, path]);
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['no object', Buffer.from('[]')],
    ['an object without a name', bytes({ id: 'a' })],
    ['too long', bytes(spring({ address: 'x'.repeat(70_000) }))],
  ])('is no instance when its data is %s', (_title, data) => {
    const journal = withSessions('s1');
    answers(journal, [create('/services'), create('/services/orders'), ephemeral('/services/orders/i1', 's1', { bases, data })]);
    expect([instance(journal), findZnode(journal.state, namespace, '/services/orders/i1')?.data.length]).toEqual([undefined, data.length]);
  });
});

test.each<readonly [string, object, object]>([
  ['an SSL port alone', { port: null, sslPort: 8443 }, { port: 8443, scheme: 'https' }],
  ['both ports', { sslPort: 8443 }, { port: 8080, ports: { ssl: { port: 8443, scheme: 'https' } } }],
  ['a scheme that is written out', { uriSpec: { parts: [{ value: 'grpc://', variable: false }] } }, { scheme: 'grpc' }],
  ['a payload of another class', { payload: { '@class': 'com.acme.Meta', zone: 'z9', shard: 4, deep: { a: 1 } } }, { zone: 'z9', meta: { zone: 'z9', shard: '4' } }],
  ['no payload', { payload: null }, { meta: {} }],
  ['a payload that is a text', { payload: 'x' }, { meta: {} }],
  ['a status of Spring', { payload: { metadata: { instance_status: 'OUT_OF_SERVICE' } } }, { status: 'out_of_service' }],
  ['enabled', { enabled: false }, { enabled: false }],
  ['fields of other types', { address: 7, port: 'x', sslPort: 70_000, uriSpec: [] }, { address: '', port: 0 }],
])('data of Curator with %s', (_title, more, expected) => {
  expect(instanceInData(bytes(spring(more)))).toMatchObject(expected);
});

describe('a provider of Dubbo', () => {
  it('is an instance of its interface', () => {
    const journal = withSessions('s1');
    const path = `/dubbo/org.acme.Greeter/providers/${provider}`;
    answers(journal, [create('/dubbo'), create('/dubbo/org.acme.Greeter'), create('/dubbo/org.acme.Greeter/providers'), create('/dubbo/org.acme.Greeter/consumers'), ephemeral(path, 's1', { bases }), ephemeral('/dubbo/org.acme.Greeter/consumers/x', 's1', { bases })]);
    expect(instance(journal, path)).toMatchObject({ service: 'org.acme.Greeter', address: '10.0.0.1', port: 20_880, scheme: 'dubbo', weight: 2, tags: ['gray'], meta: { application: 'greeter', version: '1.0.0' } });
    expect(Array.from(journal.state.rows(), ([, row]) => row.kind).filter((kind) => kind === 'instance')).toHaveLength(1);
  });

  it.each([
    ['empty%3A%2F%2F10.0.0.1%2Forg.acme.Greeter', undefined],
    ['%zz', undefined],
    ['10.0.0.1%3A80', undefined],
    ['tri%3A%2F%2F%5Bfd00%3A%3A1%5D%3A50051%2FG', { address: 'fd00::1', port: 50_051, scheme: 'tri', weight: 1 }],
    ['dubbo%3A%2F%2Fann%3Asecret%40host%3A1%2FG%3Fdisabled%3Dtrue', { address: 'host', port: 1, enabled: false }],
  ])('with the name %s is %j', (name, expected) => {
    const found = instanceInUrl(name);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(expected);
  });
});

describe('an instance of another protocol', () => {
  const row: InstanceRow = { kind: 'instance', namespace, node: 'n1', id: 'o-1', service: 'orders', address: '', port: 8080, tags: [], meta: { team: 'a' }, weight: 2, registeredMs: 1_000, created: 1, modified: 1 };

  it.each([
    ['curator', null],
    ['spring', { '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance', id: 'orders', name: 'orders', metadata: { team: 'a', instance_status: 'UP' } }],
    ['dubbo', { '@class': 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance', id: 'n1:o-1', name: 'orders', metadata: { team: 'a' } }],
  ] as const)('has data in the family %s', (family, payload) => {
    const data = dataOf({ row, address: '10.0.0.7', status: 'passing' }, family, 'n1:o-1');
    expect(JSON.parse(Buffer.from(data).toString())).toEqual({
      ...{ name: 'orders', id: 'n1:o-1', address: '10.0.0.7', port: 8080, sslPort: null, payload, registrationTimeUTC: 1_000, serviceType: 'DYNAMIC' },
      uriSpec: { parts: ['scheme', '://', 'address', ':', 'port'].map((value) => ({ value, variable: /[a-z]/.test(value) })) },
    });
    expect(instanceInData(data)).toMatchObject({ address: '10.0.0.7', port: 8080, status: 'up' });
  });

  it('is shown while it gets traffic, and to Spring while it is out of service', () => {
    expect([isShownIn('curator', 'warning'), isShownIn('curator', 'maintenance'), isShownIn('spring', 'maintenance'), isShownIn('spring', 'critical')]).toEqual([true, false, true, false]);
  });
});

test.each([
  ['/services/orders/i1', { by: 'curator', service: 'orders', name: 'i1' }],
  ['/services/orders', undefined],
  ['/services/orders/i1/x', undefined],
  ['/servicesx/orders/i1', undefined],
  ['/dubbo/org.acme.Greeter/providers/u', { by: 'dubbo', service: 'org.acme.Greeter', name: 'u' }],
  ['/dubbo/org.acme.Outer%24Greeter/providers/u', { by: 'dubbo', service: 'org.acme.Outer$Greeter', name: 'u' }],
  ['/dubbo/org.acme.Greeter/consumers/u', undefined],
])('the place of %s is %j', (path, expected) => {
  expect(placeOf(path, bases)).toEqual(expected);
  expect(placeOf(path, undefined)).toBeUndefined();
});
