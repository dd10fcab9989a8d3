import { describe, expect, it } from 'vitest';
import { Turns, unitsPerSlice, type Pace, type Work } from '../../net/turns.ts';
import { LargeAnswers } from './large-answers.ts';

/** Turns that the test runs by hand. */
function setUp() {
  const later: (() => void)[] = [];
  const turns = new Turns((run) => later.push(run));
  return { turns, turn: () => later.shift()?.() };
}

describe('large answers', () => {
  it('of all streams together do one slice of work in a turn', async () => {
    const { turns, turn } = setUp();
    let steps = 0;
    const work = (slices: number) =>
      function* (pace: Pace): Work<string> {
        for (let unit = 0; unit < slices * unitsPerSlice; unit += 100) {
          steps++;
          if (pace.spend(100)) yield;
        }
        return 'whole';
      };
    const streams = [new LargeAnswers(turns), new LargeAnswers(turns), new LargeAnswers(turns)];
    const answers = streams.map((stream) => stream.make(work(4)));
    const inTurn = [steps];
    for (let at = 0; turns.size > 0; at++) {
      const before = steps;
      turn();
      inTurn.push(steps - before);
      expect(at).toBeLessThan(100);
    }
    expect(await Promise.all(answers)).toEqual(['whole', 'whole', 'whole']);
    // What has just come starts in a turn in which others go on.
    expect(Math.max(...inTurn)).toBeLessThanOrEqual((2 * unitsPerSlice) / 100);
    expect(inTurn.length).toBeGreaterThan(10);
  });

  it('fail with the error of their work', async () => {
    const { turns } = setUp();
    const large = new LargeAnswers(turns);
    // oxlint-disable-next-line require-yield
    await expect(large.make(function* (): Work<string> { throw new Error('no such view'); })).rejects.toThrow('no such view');
  });

  it('end with their stream', () => {
    const { turns, turn } = setUp();
    const large = new LargeAnswers(turns);
    let ended = false;
    void large.make(function* (): Work<string> {
      try {
        for (;;) yield;
      } finally {
        ended = true;
      }
    });
    large.close();
    turn();
    expect([ended, turns.size]).toEqual([true, 0]);
  });
});
