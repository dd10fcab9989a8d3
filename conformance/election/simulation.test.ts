/**
 * Leaders under faults: pauses, kills, cut links, late messages, a server that restarts, clocks whose rates differ by up to 10 %. In every history
 * the store has one holder, tokens rise, no resource takes writes of two leaders under one token or in the wrong order, and no user code believes in
 * a leadership that the store has ended. The checks can fail: each planted bug is found.
 *
 * `node bench/election/histories.mjs` plays 10,000 and writes bench/election/RESULTS.md; a seed in a message plays again with `ROLLCALL_SEED`.
 */

import { describe, expect, test } from 'vitest';
import { World, type Bug } from './world.ts';

const runs = Number(process.env['ROLLCALL_RUNS'] ?? 300);
const first = Number(process.env['ROLLCALL_SEED'] ?? 1);
const lengthMs = 60_000;

async function play(seed: number, bug?: Bug): Promise<World> {
  const world = new World({ seed, ...(bug === undefined ? {} : { bug }) });
  await world.run(lengthMs);
  return world;
}

test(`${runs} histories with faults: no overlapping tokens, no leader that does not lead`, async () => {
  const sum = { grants: 0, beliefs: 0, accepted: 0, refused: 0 };
  for (let seed = first; seed < first + runs; seed++) {
    const world = await play(seed);
    expect(world.faults).toEqual([]);
    const tokens = world.accepted.map(({ token }) => token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : Number(a > b))));
    sum.grants += world.grants;
    sum.beliefs += world.beliefs;
    sum.accepted += tokens.length;
    sum.refused += world.refused;
  }
  // The histories mean little unless leadership changes, and late writes come.
  expect(sum.grants).toBeGreaterThan(runs * 3);
  expect(sum.accepted).toBeGreaterThan(runs * 10);
  expect(sum.refused).toBeGreaterThan(0);
  process.stderr.write(`${runs} histories of ${lengthMs / 1_000} s: ${JSON.stringify(sum)}\n`);
}, 3_600_000);

test('one seed gives one history', async () => {
  const [one, again] = [await play(first), await play(first)];
  expect(again.accepted).toEqual(one.accepted);
});

describe('a planted bug is found', () => {
  const bugs: readonly Bug[] = ['acquire does not read its row again', 'the deadline is counted from the answer', 'a late release frees a newer holder', 'two waiters get the lock'];
  test.each(bugs)('%s', async (bug) => {
    for (let seed = first; seed < first + 300; seed++) {
      if ((await play(seed, bug)).faults.length > 0) return;
    }
    expect.unreachable(`300 histories have not shown that ${bug}`);
  }, 600_000);
});
