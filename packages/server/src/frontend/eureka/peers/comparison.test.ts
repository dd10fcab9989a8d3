import { expect, it } from 'vitest';
import { compare, type ComparisonOptions } from './comparison.ts';
import type { Tracked } from './tracked.ts';

it('looks at the instances of this node over several turns of the event loop', async () => {
  const ours = Array.from({ length: 10_000 }, (_, n) => ({
    ...{ name: { app: 'WEB', id: `i-${n}` }, replicated: false, lapsed: false },
    info: { status: 'UP', overriddenStatus: 'UNKNOWN', lastDirtyTimestamp: 1 },
  }));
  let looked = 0;
  function* mine(): Generator<Tracked> {
    for (const each of ours) {
      looked++;
      yield each as unknown as Tracked;
    }
  }
  const unused = () => {
    throw new Error('the peer has no instance');
  };
  const comparison = compare([], { mine, owns: unused, removes: unused, find: unused } as unknown as ComparisonOptions);
  const inTurns: number[] = [];
  for (let before = 0; ; before = looked) {
    const { done, value } = await comparison.next();
    inTurns.push(looked - before);
    if (done !== true) continue;
    expect(value).toHaveLength(ours.length);
    break;
  }
  expect(Math.max(...inTurns)).toBeLessThan(ours.length / 4);
});
