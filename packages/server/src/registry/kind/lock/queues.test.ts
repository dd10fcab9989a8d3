/** Queues of locks are in the order of arrival, as a naive list is, in whatever order rows come and go. */

import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { LockQueues } from './queues.ts';
import type { ContenderRow } from './rows.ts';

const namespace = 'default';
const row = (id: string, order: number, more: Partial<ContenderRow> = {}): ContenderRow => ({ kind: 'lock-contender', namespace, name: 'x', id, session: 's', order, created: 1, modified: 1, ...more });
const ids = (queues: LockQueues, name = 'x') => Array.from(queues.waiting(namespace, name), ({ id }) => id);

it('has contenders that wait, by their place; one that gets the lock or leaves is out of it', () => {
  const queues = new LockQueues();
  const [a, b, c] = [row('a', 7), row('b', 3), row('c', 5)];
  for (const each of [a, b, c, row('d', 1, { nth: 0 }), row('e', 2, { name: 'y' })]) queues.follow(undefined, each);
  expect([ids(queues), ids(queues, 'y'), ids(queues, 'z')]).toEqual([['b', 'c', 'a'], ['e'], []]);
  queues.follow(b, row('b', 3, { nth: 0 }));
  queues.follow(c, undefined);
  expect(ids(queues)).toEqual(['a']);
  queues.follow(a, row('a', 7, { left: true }));
  expect(Array.from(queues.waiting(namespace, 'x'), ({ left }) => left)).toEqual([true]);
});

it('a lock that was emptied and taken again in one transaction begins with the same places', () => {
  const queues = new LockQueues();
  const [before, after] = [row('before', 2), row('after', 2)];
  queues.follow(undefined, before);
  queues.follow(undefined, after);
  queues.follow(before, undefined);
  expect(ids(queues)).toEqual(['after']);
});

test('is as a sorted list', () => {
  const step = fc.record({ order: fc.integer({ min: 1, max: 120 }), joins: fc.boolean(), reads: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queues = new LockQueues();
      const model = new Map<number, ContenderRow>();
      for (const { order, joins, reads } of steps) {
        const before = model.get(order);
        const after = joins ? row(`c${order}`, order) : undefined;
        queues.follow(before, after);
        if (after === undefined) model.delete(order);
        else model.set(order, after);
        if (reads) expect(ids(queues)).toEqual([...model.values()].sort((a, b) => a.order - b.order).map(({ id }) => id));
      }
    }),
    { numRuns: 500 },
  );
});
