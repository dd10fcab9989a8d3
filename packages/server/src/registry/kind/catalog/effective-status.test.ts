import {
  administrativeStatuses,
  getsTraffic,
  instanceStatuses,
  worseStatus,
  type AdministrativeStatus,
  type CheckKind,
  type CheckStatus,
  type InstanceStatus,
} from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import {
  administrativeStatusOf,
  statusOfCheck,
  statusOfChecks,
  statusOfNode,
  statusWith,
  statuses,
  weightOf,
  wholeWeight,
} from './effective-status.ts';
import { instancesOfService } from './find.ts';
import { administrativeCheckId, instanceMaintenance, nodeMaintenance } from './known-checks.ts';

type Said = readonly [type: CheckKind, status: CheckStatus, id?: string];

function checks(...said: readonly Said[]) {
  return said.map(([type, status, id], index) => ({ id: id ?? `${type}${index}`, type, status }));
}

const maintained: Said = ['none', 'critical', instanceMaintenance('i')];

describe('the effective status of an instance', () => {
  it.each<[string, own: readonly Said[], node: readonly Said[], InstanceStatus]>([
    ['without a check is passing', [], [], 'passing'],
    ['with a warning is warning', [['http', 'warning'], ['stream', 'passing']], [], 'warning'],
    ['on a node with a warning is warning', [['stream', 'passing']], [['none', 'warning']], 'warning'],
    ['on a critical node is critical', [['stream', 'passing']], [['none', 'critical']], 'critical'],
    ['with a closed stream is critical', [['stream', 'critical'], ['http', 'passing']], [], 'critical'],
    ['in maintenance is in maintenance, even if all else passes', [maintained, ['ttl', 'passing']], [], 'maintenance'],
    ['in maintenance whose check fails is in maintenance', [maintained, ['ttl', 'critical']], [], 'maintenance'],
    ['on a node in maintenance is in maintenance', [['ttl', 'passing']], [['none', 'critical', nodeMaintenance]], 'maintenance'],
    ['whose maintenance check passes is not in maintenance', [['none', 'passing', instanceMaintenance('i')]], [], 'passing'],
    ['is not made critical by its administrative check', [['status', 'critical', administrativeCheckId('i')]], [], 'passing'],
  ])('%s', (_what, own, node, expected) => {
    expect(statusWith({}, [...checks(...node), ...checks(...own)])).toBe(expected);
  });

  it.each<[string, { status?: AdministrativeStatus; override?: AdministrativeStatus; enabled?: false }, InstanceStatus]>([
    ['up', {}, 'passing'],
    ['starting', { status: 'starting' }, 'starting'],
    ['draining', { status: 'draining' }, 'draining'],
    ['out of service', { status: 'out_of_service' }, 'maintenance'],
    ['down', { status: 'down' }, 'critical'],
    ['disabled', { enabled: false }, 'maintenance'],
    ['disabled, and up by the word of the operator', { enabled: false, override: 'up' }, 'maintenance'],
    ['up, and out of service by the word of the operator', { override: 'out_of_service' }, 'maintenance'],
    ['up, and draining by the word of the operator', { override: 'draining' }, 'draining'],
    ['out of service, and up by the word of the operator', { status: 'out_of_service', override: 'up' }, 'passing'],
    ['down, and up by the word of the operator', { status: 'down', override: 'up' }, 'critical'],
    ['starting, and up by the word of the operator', { status: 'starting', override: 'up' }, 'starting'],
    ['draining, and out of service by the word of the operator', { status: 'draining', override: 'out_of_service' }, 'maintenance'],
    ['down, and draining by the word of the operator', { status: 'down', override: 'draining' }, 'critical'],
  ])('by the administrative status of one that is %s', (_what, row, expected) => {
    expect(administrativeStatusOf(row)).toBe(expected);
  });

  it('is the worst of its parts, for every combination of checks and administrative status, in any order', () => {
    const kinds: readonly Said[] = [['ttl', 'passing'], ['ttl', 'warning'], ['ttl', 'critical'], maintained];
    const effects: Readonly<Record<AdministrativeStatus, InstanceStatus>> = {
      ...{ up: 'passing', starting: 'starting', draining: 'draining', out_of_service: 'maintenance', down: 'critical' },
    };
    const sets = Array.from({ length: 1 << kinds.length }, (_, set) => kinds.filter((_kind, bit) => (set >> bit) & 1));
    for (const own of sets) {
      for (const node of sets) {
        for (const status of administrativeStatuses) {
          for (const override of [undefined, ...administrativeStatuses]) {
            for (const enabled of [undefined, false] as const) {
              const row = { status, ...(override === undefined ? {} : { override }), ...(enabled === false ? { enabled } : {}) };
              const replaced = override !== undefined && ['up', 'out_of_service'].includes(status);
              const said = new Set<InstanceStatus>([effects[replaced ? override : status]]);
              if (override !== undefined) said.add(effects[override]);
              if (enabled === false) said.add('maintenance');
              for (const each of [...own, ...node]) said.add(each === maintained ? 'maintenance' : each[1]);
              // From the worst: the first one that occurs counts.
              const expected = instanceStatuses.findLast((word) => said.has(word));
              expect(statusWith(row, [...checks(...node), ...checks(...own)])).toBe(expected);
              expect(statusWith(row, checks(...own.toReversed(), ...node.toReversed()))).toBe(expected);
            }
          }
        }
      }
    }
  });

  it('is ordered, from passing to maintenance', () => {
    for (const [at, better] of instanceStatuses.entries()) {
      for (const worse of instanceStatuses.slice(at)) {
        expect(worseStatus(better, worse)).toBe(worse);
        expect(worseStatus(worse, better)).toBe(worse);
      }
    }
  });

  it('lets new work through only when it is passing or warning', () => {
    expect(instanceStatuses.filter((status) => getsTraffic(status))).toEqual(['passing', 'warning']);
  });

  it('decides which of the two weights counts', () => {
    const weights = { weight: 10, warningWeight: 3 };
    expect(instanceStatuses.map((status) => weightOf(weights, status))).toEqual([10, 3, 10, 10, 10, 10]);
    expect(weightOf({ weight: 10 }, 'warning')).toBe(10);
  });
});

it('sums up checks from a status that counts as well', () => {
  expect(statusOfChecks(checks(['ttl', 'warning']), 'critical')).toBe('critical');
  expect(statusOfCheck({ id: nodeMaintenance, type: 'none', status: 'critical' })).toBe('maintenance');
});

it.each([[0, 0], [0.2, 1], [1, 1], [1.4, 1], [1.5, 2], [65_535, 65_535]])('a weight of %d is the whole number %d', (weight, whole) => {
  expect(wholeWeight(weight)).toBe(whole);
});

it('reads the rows and checks of instances and their nodes from the state', () => {
  const journal = new Journal();
  journal.commit([
    {
      kind: 'register',
      namespace: 'default',
      node: { name: 'n', address: '10.0.0.1' },
      nodeMode: 'update',
      instances: ['a', 'b', 'c'].map((id) => ({ id, service: 'web', ...(id === 'c' ? { status: 'draining' as const } : {}) })),
      checks: [
        { id: 'node', name: 'node', status: 'warning' },
        { id: 'b', name: 'b', status: 'critical', instance: 'b' },
      ],
    },
  ]);
  const { state } = journal;
  expect(statusOfNode(state, 'n')).toBe('warning');
  const statusOf = statuses(state);
  expect(Array.from(instancesOfService(state, 'default', 'web'), (row) => [row.id, statusOf(row)])).toEqual([
    ['a', 'warning'],
    ['b', 'critical'],
    ['c', 'draining'],
  ]);
});
