import { expect, it } from 'vitest';
import { drawIndex, SeededRandom } from './seeded-random.ts';

it('repeats itself by seed', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 5 }, () => random.bits());
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

it.each([0, 1, 2, 0xffffffff, 123_456.7])('fills 100 cells of successive pairs evenly from seed %d', (seed) => {
  const random = new SeededRandom(seed);
  const cells = new Float64Array(100);
  const pairs = 100_000;
  for (let n = 0; n < pairs; n++) {
    const index = drawIndex(random, 10) * 10 + drawIndex(random, 10);
    cells[index] = (cells[index] as number) + 1;
  }
  // χ² with 99 degrees of freedom is above 149 once in a thousand times.
  const chiSquare = cells.reduce((sum, count) => sum + (count - pairs / 100) ** 2 / (pairs / 100), 0);
  expect(chiSquare).toBeLessThan(149);
});

it('gives another first number for each seed', () => {
  const firsts = Array.from({ length: 1000 }, (_, seed) => new SeededRandom(seed).fraction());
  expect(Math.abs(firsts.reduce((sum, first) => sum + first, 0) / 1000 - 0.5)).toBeLessThan(0.03);
  expect(new Set(firsts).size).toBe(1000);
});

it('draws indices up to the last one and no further', () => {
  expect(drawIndex({ bits: () => 0 }, 1000)).toBe(0);
  expect(drawIndex({ bits: () => 2 ** 30 - 1 }, 1000)).toBe(999);
  expect(drawIndex({ bits: () => 2 ** 30 - 1 }, 2 ** 22)).toBe(2 ** 22 - 1);
});
