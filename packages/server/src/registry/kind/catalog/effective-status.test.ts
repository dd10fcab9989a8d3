import { getsTraffic, instanceStatuses, worseStatus, type CheckKind, type CheckStatus, type InstanceStatus } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { statusOfCheck, statusOfChecks, statusOfInstance, statusOfNode, statuses, weightOf } from './effective-status.ts';
import { Journal } from '../../journal.case.ts';
import { instanceMaintenance, nodeMaintenance } from './known-checks.ts';

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
    ['with a drain check is draining', [['drain', 'critical'], ['stream', 'passing']], [], 'draining'],
    ['with a drain check and a warning is draining', [['drain', 'critical'], ['http', 'warning']], [], 'draining'],
    ['that drains and whose process has died is critical', [['drain', 'critical'], ['stream', 'critical']], [], 'critical'],
    ['that drains on a critical node is critical', [['drain', 'critical']], [['none', 'critical']], 'critical'],
    ['in maintenance is in maintenance, even if all else passes', [maintained, ['ttl', 'passing']], [], 'maintenance'],
    ['in maintenance whose check fails is in maintenance', [maintained, ['ttl', 'critical']], [], 'maintenance'],
    ['on a node in maintenance is in maintenance', [['ttl', 'passing']], [['none', 'critical', nodeMaintenance]], 'maintenance'],
    ['whose maintenance check passes is not in maintenance', [['none', 'passing', instanceMaintenance('i')]], [], 'passing'],
  ])('%s', (_what, own, node, expected) => {
    expect(statusOfChecks(checks(...own), statusOfChecks(checks(...node)))).toBe(expected);
  });

  it('is the worst of what is said, for every combination of checks of the instance and its node, in any order', () => {
    const kinds: readonly Said[] = [['ttl', 'passing'], ['ttl', 'warning'], ['ttl', 'critical'], ['drain', 'critical'], maintained];
    // From the worst: the first that is among the checks counts.
    const order: readonly (readonly [InstanceStatus, Said])[] = [
      ['maintenance', kinds[4] as Said],
      ['critical', kinds[2] as Said],
      ['draining', kinds[3] as Said],
      ['warning', kinds[1] as Said],
    ];
    const sets = Array.from({ length: 1 << kinds.length }, (_, set) => kinds.filter((_kind, bit) => (set >> bit) & 1));
    for (const own of sets) {
      for (const node of sets) {
        const expected = order.find(([, said]) => own.includes(said) || node.includes(said))?.[0] ?? 'passing';
        expect(statusOfChecks(checks(...own), statusOfChecks(checks(...node)))).toBe(expected);
        expect(statusOfChecks(checks(...own.toReversed()), statusOfChecks(checks(...node.toReversed())))).toBe(expected);
      }
    }
  });

  it('has a place in one order, from passing to maintenance', () => {
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
    const weights = { passing: 10, warning: 3 };
    expect(instanceStatuses.map((status) => weightOf({ weights }, status))).toEqual([10, 3, 10, 10, 10, 10]);
  });
});

it('takes a check for what its kind and id say', () => {
  expect(statusOfCheck({ id: 'x', type: 'drain', status: 'critical' })).toBe('draining');
  expect(statusOfCheck({ id: nodeMaintenance, type: 'none', status: 'critical' })).toBe('maintenance');
});

it('is the same for one instance as for many, and reads the checks of both from the state', () => {
  const journal = new Journal();
  journal.commit([
    {
      kind: 'register',
      namespace: 'default',
      node: { name: 'n', address: '10.0.0.1' },
      nodeMode: 'update',
      instances: ['a', 'b', 'c'].map((id) => ({ id, service: 'web' })),
      checks: [
        { id: 'node', name: 'node', status: 'warning' },
        { id: 'b', name: 'b', status: 'critical', instance: 'b' },
        { id: 'c', name: 'c', status: 'critical', instance: 'c', type: 'drain' },
      ],
    },
  ]);
  const { state } = journal;
  expect(statusOfNode(state, 'n')).toBe('warning');
  const many = statuses(state);
  const expected = { a: 'warning', b: 'critical', c: 'draining' };
  for (const [id, status] of Object.entries(expected)) {
    expect([statusOfInstance(state, { namespace: 'default', node: 'n', id }), many({ namespace: 'default', node: 'n', id })]).toEqual([status, status]);
  }
});
