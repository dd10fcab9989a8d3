import { expect, test } from 'vitest';
import { coordinateType } from '../../registry/kind/coordinate/coordinate.ts';
import { Journal } from '../../registry/journal.case.ts';
import { queryRosterOf, type QueryRosterOptions, type Roster } from './roster.ts';

const many = 3_000;
const wanted = {
  ...{ Service: 'web', Failover: { NearestN: 0, Datacenters: null, Targets: null }, OnlyPassing: false, IgnoreCheckIDs: [], Connect: false },
  ...{ Near: '', Tags: ['v1'], NodeMeta: {}, ServiceMeta: {} },
};
const coordinate = (node: string, Height: number) => ({
  ...{ kind: 'record-put' as const, namespace: '', type: coordinateType, id: node },
  value: { Node: node, Segment: '', Coord: { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height } },
});

function built(options: Partial<QueryRosterOptions>) {
  const journal = new Journal();
  for (const [node, offset] of [['near', 0], ['far', 1]] as const) {
    journal.commit([{
      ...{ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure' },
      instances: Array.from({ length: many / 2 }, (_, n) => ({ id: `i${2 * n + offset}`, service: 'web', port: 80, tags: n % 3 === 0 ? ['v2'] : ['v1'] })),
    }]);
  }
  journal.commit([{ kind: 'register', namespace: 'default', node: { name: 'here', address: '10.0.0.9' }, nodeMode: 'update' }]);
  journal.commit([coordinate('near', 0.001), coordinate('far', 1), coordinate('here', 0)]);
  const steps = queryRosterOf(journal.state, { namespace: 'default', names: ['web'], domain: 'consul', datacenter: 'dc1', readsNode: () => true, near: '', wanted, ...options });
  let count = 0;
  let soFar: Roster | undefined;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { roster: step.value, steps: count, soFar };
    if (++count === 100) soFar = step.value?.();
  }
}

test('the roster of a prepared query is built in as many steps as there are instances, and is of use before', () => {
  const { roster, steps, soFar } = built({});
  expect(steps).toBeGreaterThanOrEqual(many);
  expect(roster.size).toBe(many / 3 * 2);
  expect(soFar?.size).toBeGreaterThan(50);
  expect(soFar?.size).toBeLessThan(100);
});

test('one that has an order has it at any time', () => {
  const { roster, soFar } = built({ near: 'here' });
  expect([roster.sorted, soFar?.sorted]).toEqual([true, true]);
  const nodes = roster.offer('')?.places.map(({ instance }) => instance.node) ?? [];
  expect(nodes.length).toBeGreaterThan(0);
  expect(nodes).toEqual(nodes.toSorted().toReversed());
});
