import { expect, test } from 'vitest';
import { Journal } from '../../registry/journal.case.ts';
import { preparedQueryInstances, type PreparedQueryOptions, type HealthyInstances } from './healthy-instances.ts';

const many = 3_000;
const wanted = {
  ...{ name: 'web', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false, ignoredChecks: [], connect: false },
  ...{ near: '', tags: ['v1'], nodeMeta: {}, meta: {} },
};
const coordinate = (node: string, height: number) => ({
  kind: 'coordinate-put' as const,
  node,
  coordinate: { segment: '', vector: [0, 0, 0, 0, 0, 0, 0, 0], error: 1.5, adjustment: 0, height },
});

function built(options: Partial<PreparedQueryOptions>) {
  const journal = new Journal();
  for (const [node, offset] of [['near', 0], ['far', 1]] as const) {
    journal.commit([{
      ...{ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure' },
      instances: Array.from({ length: many / 2 }, (_, n) => ({ id: `i${2 * n + offset}`, service: 'web', port: 80, tags: n % 3 === 0 ? ['v2'] : ['v1'] })),
    }]);
  }
  journal.commit([{ kind: 'register', namespace: 'default', node: { name: 'here', address: '10.0.0.9' }, nodeMode: 'update' }]);
  journal.commit([coordinate('near', 0.001), coordinate('far', 1), coordinate('here', 0)]);
  const steps = preparedQueryInstances(journal.state, { namespace: 'default', names: ['web'], domain: 'consul', datacenter: 'dc1', readsNode: () => true, near: '', wanted, ...options });
  let count = 0;
  let soFar: HealthyInstances | undefined;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { healthy: step.value, steps: count, soFar };
    if (++count === 100) soFar = step.value?.();
  }
}

test('the list of a prepared query is built in a step for each instance, and an incomplete list is useful', () => {
  const { healthy, steps, soFar } = built({});
  expect(steps).toBeGreaterThanOrEqual(many);
  expect(healthy.size).toBe(many / 3 * 2);
  expect(soFar?.size).toBeGreaterThan(50);
  expect(soFar?.size).toBeLessThan(100);
});

test('a long list is sorted by distance in steps', () => {
  const [near, any] = [built({ near: 'here' }), built({})];
  expect(near.healthy.size).toBe(any.healthy.size);
  expect(near.steps).toBeGreaterThan(any.steps + near.healthy.size);
});

test('an incomplete list is sorted as well', () => {
  const { healthy, soFar } = built({ near: 'here' });
  expect([healthy.sorted, soFar?.sorted]).toEqual([true, true]);
  const nodes = healthy.targets('')?.distinct.map(({ instance }) => instance.node) ?? [];
  expect(nodes.length).toBeGreaterThan(0);
  expect(nodes).toEqual(nodes.toSorted().toReversed());
});
