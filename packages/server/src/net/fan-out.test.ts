import { describe, expect, it } from 'vitest';
import { FanOut, budgetPerTurn as budget, pushCost, type Pass } from './fan-out.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A pass with `left` readers to notify, which records its allowance. */
function pass(left: number): Pass & { left: number; turns: number } {
  return {
    left,
    turns: 0,
    advance(budget) {
      this.turns++;
      const told = Math.min(budget, this.left);
      this.left -= told;
      return budget - told;
    },
  };
}

describe('fan-out', () => {
  it('spreads the pushes to many subscribers over turns', async () => {
    const fanOut = new FanOut();
    const many = pass(2.5 * budget);
    fanOut.schedule(many);
    expect(many.left).toBe(2.5 * budget);
    await turn();
    expect(many.left).toBe(1.5 * budget);
    await turn();
    await turn();
    expect(many.left).toBe(0);
  });

  it('serves views in order, and one that is scheduled again once', async () => {
    const fanOut = new FanOut();
    const [large, small] = [pass(budget + 200), pass(3)];
    fanOut.schedule(large);
    fanOut.schedule(small);
    fanOut.schedule(large);
    await turn();
    expect([large.left, small.left]).toEqual([200, 3]);
    await turn();
    expect([large.left, small.left]).toEqual([0, 0]);
    await turn();
    await turn();
    expect([large.turns, small.turns]).toEqual([2, 1]);
  });

  it('ends when a pass fills its turn exactly', async () => {
    const fanOut = new FanOut();
    const exact = pass(budget);
    fanOut.schedule(exact);
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(exact).toMatchObject({ left: 0, turns: 2 });
  });

  it('drops a cancelled pass', async () => {
    const fanOut = new FanOut();
    const gone = pass(5);
    fanOut.schedule(gone);
    fanOut.cancel(gone);
    await turn();
    await turn();
    expect(gone.turns).toBe(0);
  });
});

it.each([
  [0, 1],
  [16_383, 1],
  [16_384, 2],
  [1_048_576, 65],
])('a push of %i bytes costs %i short ones', (bytes, cost) => {
  expect(pushCost(bytes)).toBe(cost);
});
