import { expect, it } from 'vitest';
import { decodeRow } from '../kinds.ts';
import { fromFormat1 } from './format-1.ts';

function converted(key: string, row: object): object {
  const record = { key, value: Buffer.from(JSON.stringify({ ...row, created: 0, modified: 0 })) };
  const { key: now, value } = fromFormat1(record, 7);
  return decodeRow(now, value, 9, (text) => text);
}

const instance = { kind: 'instance', node: 'n', id: 'i', service: 'web', address: '', port: 80, tags: [], meta: {} };
const today = { ...instance, namespace: 'default', registeredMs: 0, created: 7, modified: 9 };

it.each<[what: string, before: object, after: object]>([
  ['equal weights are one', { weights: { passing: 3, warning: 3 } }, { weight: 3 }],
  ['a weight for warnings is kept', { weights: { passing: 3, warning: 0 } }, { weight: 3, warningWeight: 0 }],
  [
    'Consul’s locality is region and zone',
    { weights: { passing: 1, warning: 1 }, foreign: { consul: { Locality: { Region: 'eu', Zone: 'a' }, Kind: 'x' } } },
    { weight: 1, region: 'eu', zone: 'a', foreign: { consul: { Kind: 'x' } } },
  ],
  [
    'nothing foreign is left of a locality alone',
    { weights: { passing: 1, warning: 1 }, foreign: { consul: { Locality: { Zone: 'a' } } } },
    { weight: 1, zone: 'a' },
  ],
])('of an instance, %s', (_what, before, after) => {
  expect(converted('instance\0n\0i', { ...instance, ...before })).toEqual({ ...today, ...after });
});

it('a prepared query is in words of our own, with everything that it said', () => {
  const query = {
    ...{ Name: 'q-', Session: 's', Accessor: 'a', Template: { Type: 'name_prefix_match', Regexp: '^q-(.*)$', RemoveEmptyTags: true } },
    Service: {
      ...{ Service: 'web', OnlyPassing: true, IgnoreCheckIDs: ['c'], Near: '_ip', Tags: ['!t'], NodeMeta: { n: '1' }, ServiceMeta: { s: '2' } },
      ...{ Connect: false, Failover: { NearestN: 0, Datacenters: null, Targets: [{ Peer: 'p', Datacenter: '' }] } },
    },
    DNS: { TTL: '10s' },
  };
  const record = { kind: 'record', type: 'consul-query', id: 'i', value: query };
  expect(converted('record\0consul-query\0i', record)).toEqual({
    ...{ kind: 'query', namespace: 'default', id: 'i', created: 7, modified: 9 },
    query: {
      ...{ name: 'q-', session: 's', accessor: 'a', template: { type: 'prefix', pattern: '^q-(.*)$', removeEmptyTags: true } },
      service: {
        ...{ name: 'web', onlyPassing: true, ignoredChecks: ['c'], near: '_ip', tags: ['!t'], nodeMeta: { n: '1' }, meta: { s: '2' } },
        ...{ connect: false, failover: { nearest: 0, datacenters: null, targets: [{ peer: 'p', datacenter: '' }] } },
      },
      ttl: '10s',
    },
  });
});

it('so is a network coordinate, which belongs to no namespace', () => {
  const Coord = { Vec: [1, 2, 3, 4, 5, 6, 7, 8], Error: 1.5, Adjustment: 0.1, Height: 0.01 };
  const record = { kind: 'record', type: 'consul-coordinate', id: 'n', value: { Node: 'n', Segment: 'x', Coord } };
  expect(converted('record\0consul-coordinate\0n', record)).toEqual({
    ...{ kind: 'coordinate', node: 'n', created: 7, modified: 9 },
    ...{ segment: 'x', vector: Coord.Vec, error: 1.5, adjustment: 0.1, height: 0.01 },
  });
});

it('a drain is the status of the instance, and the check that shows it', () => {
  const check = { kind: 'check', node: 'n', id: 'drain:i', name: 'Rollcall drain', status: 'critical', instance: 'i' };
  const rest = { notes: '', output: '', definition: {} };
  expect(converted('check\0n\0drain:i', { ...check, ...rest, type: 'drain' })).toEqual({
    ...{ kind: 'check', namespace: 'default', node: 'n', id: '_rollcall_status:i', name: 'Administrative status', status: 'critical', instance: 'i' },
    ...{ notes: '', output: 'draining: the instance is about to leave', type: 'status', definition: {}, created: 7, modified: 9 },
  });
  const own = converted('check\0n\0drain:i', { ...check, ...rest, type: 'none' });
  expect(own).toMatchObject({ id: 'drain:i', name: 'Rollcall drain', type: 'none' });
});
