import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { Canary, type CanaryOptions } from './canary.ts';

const canary = (options: Omit<CanaryOptions, 'select'>) => new Canary({ select: {}, ...options }, new SeededRandom(7));
const sending = (value: string) => (name: string) => (name === 'x-canary' ? value : undefined);

describe('without a header', () => {
  it.each([0, 0.001, 0.3, 1])('the canary gets its share, %d', (share) => {
    const split = canary({ share });
    let wanted = 0;
    for (let n = 0; n < 100_000; n++) if (split.wants(undefined)) wanted += 1;
    expect(wanted / 100_000).toBeCloseTo(share, 2);
  });

  it.each([-0.1, 1.1, NaN])('a share of %d is refused', (share) => {
    expect(() => canary({ share })).toThrow(/from 0 to 1/);
  });
});

describe('with a header', () => {
  it.each([
    ['always', 0, true],
    ['never', 1, false],
    ['perhaps', 1, true],
    ['perhaps', 0, false],
  ])('%s at a share of %d', (value, share, expected) => {
    expect(canary({ share, header: 'X-Canary' }).wants(sending(value))).toBe(expected);
  });

  it('and a value, only requests with that value go to the canary', () => {
    const split = canary({ share: 0, header: 'x-canary', headerValue: 'team-a' });
    expect(['team-a', 'always', 'team-b'].map((value) => split.wants(sending(value)))).toEqual([true, false, false]);
  });
});
