import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeadlineQueue } from './deadline-queue.ts';
import { bitsRange, SeededRandom } from './seeded-random.ts';

const fresh = (count: number) => new Int32Array(count).fill(-1);

it('gives turns in the order of a plain list of deadlines, for a thousand members', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 1000 }), fc.integer(), (list, seed) => {
      const queue = new DeadlineQueue(new SeededRandom(seed));
      queue.update(fresh(list.length), Float64Array.from(list));
      const random = new SeededRandom(seed);
      const deadlines = list.map((period) => (random.bits() / bitsRange) * period);
      for (let n = 0; n < 300; n++) {
        const member = queue.next();
        // Equal deadlines may go either way.
        expect(deadlines[member]).toBe(deadlines.reduce((least, deadline) => Math.min(least, deadline)));
        deadlines[member]! += list[member]!;
      }
    }),
    { numRuns: 50 },
  );
});

it('has no endpoint due when it is empty or all periods are infinite', () => {
  const queue = new DeadlineQueue(new SeededRandom(1));
  expect(queue.next()).toBe(-1);
  queue.update(fresh(2), Float64Array.of(Infinity, Infinity));
  expect(queue.next()).toBe(-1);
});

it('applies a changed period from the member’s next turn on', () => {
  const queue = new DeadlineQueue({ bits: () => 0 });
  queue.update(fresh(2), Float64Array.of(1, 1));
  queue.periods[0] = 4;
  const turns = Array.from({ length: 10 }, () => queue.next());
  expect(turns.filter((member) => member === 0)).toHaveLength(2);
});

it('gives turns to a member whose period was infinite before', () => {
  const queue = new DeadlineQueue(new SeededRandom(1));
  queue.update(fresh(2), Float64Array.of(1, Infinity));
  queue.next();
  queue.update(Int32Array.of(0, 1), Float64Array.of(1, 1));
  expect(new Set([queue.next(), queue.next()])).toEqual(new Set([0, 1]));
});
