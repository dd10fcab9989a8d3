import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AliasTable } from './alias-table.ts';
import { SeededRandom } from './seeded-random.ts';

it('draws in proportion to the weights', () => {
  const weights = [1, 2, 5, 0, 0.5];
  const table = new AliasTable(Float64Array.from(weights));
  const random = new SeededRandom(11);
  const draws = weights.map(() => 0);
  for (let n = 0; n < 100_000; n++) draws[table.draw(random)]! += 1;
  weights.forEach((weight, index) => expect(Math.abs(draws[index]! / 100_000 - weight / 8.5)).toBeLessThan(0.005));
});

it('never draws weight 0 and always draws an index, for any weights', () => {
  const weights = fc.array(fc.constantFrom(0, 1e-9, 0.1, 1, 3, 1e6), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(weights, fc.integer(), (list, seed) => {
      fc.pre(list.some((weight) => weight > 0));
      const table = new AliasTable(Float64Array.from(list));
      const random = new SeededRandom(seed);
      for (let n = 0; n < 200; n++) expect(list[table.draw(random)]).toBeGreaterThan(0);
    }),
  );
});
