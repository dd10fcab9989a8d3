import { describe, expect, it } from 'vitest';
import { Turns, TooMuchWork, type Pace, type Work } from './turns.ts';

/** An event loop that the test moves. */
function loop() {
  const due: (() => void)[] = [];
  const turns = new Turns((run) => due.push(run));
  const turn = () => {
    for (const run of due.splice(0)) run();
  };
  return { turns, turn, get idle() { return due.length === 0; } };
}

/** Work of a number of steps, one unit each. It records each step, and whether it was ended early. */
function* steps(pace: Pace, count: number, told: { done: number; ended: boolean }): Work<string> {
  try {
    for (let step = 0; step < count; step++) {
      told.done++;
      if (pace.spend(1)) yield;
    }
    return 'all';
  } finally {
    told.ended = true;
  }
}

const fresh = () => ({ done: 0, ended: false });

describe('turns', () => {
  it('do short work at once, up to the budget of a turn', () => {
    const { turns, turn } = loop();
    expect(turns.start(steps(turns.pace, 10, fresh())).outcome).toEqual({ value: 'all' });
    const jobs = Array.from({ length: 100 }, () => turns.start(steps(turns.pace, 100, fresh())));
    const ended = jobs.filter((job) => job.ended).length;
    expect(ended).toBeGreaterThan(10);
    expect(ended).toBeLessThan(30);
    for (let at = 0; at < 10; at++) turn();
    expect(jobs.every((job) => job.ended)).toBe(true);
  });

  it('do one slice of long work in a turn, after starting new work', () => {
    const { turns, turn } = loop();
    const told = fresh();
    const large = turns.start(steps(turns.pace, 100_000, told));
    for (let last = told.done; !large.ended; last = told.done) {
      expect(told.done - last).toBeLessThanOrEqual(2_500);
      turn();
      const small = turns.start(steps(turns.pace, 10, fresh()));
      if (!small.ended) turn();
      expect(small.outcome).toEqual({ value: 'all' });
    }
    expect(large.outcome).toEqual({ value: 'all' });
  });

  it('give each of eight long works a slice in rotation', () => {
    const { turns, turn } = loop();
    const all = Array.from({ length: 12 }, fresh);
    const jobs = all.map((told) => turns.start(steps(turns.pace, 40_000, told)));
    for (let at = 0; at < 20; at++) turn();
    // Each work gets a first slice; those with a place get more.
    const further = all.filter(({ done }) => done > 2_500);
    expect([further.length, Math.max(...all.map(({ done }) => done)) < 40_000]).toEqual([8, true]);
    for (let at = 0; at < 400; at++) turn();
    expect(jobs.every((job) => job.ended)).toBe(true);
  });

  it('refuse work beyond the limit, and let it free what it holds', () => {
    const { turns, turn } = loop();
    const all = Array.from({ length: 300 }, fresh);
    const jobs = all.map((told) => {
      turn();
      return turns.start(steps(turns.pace, 1_000_000, told));
    });
    for (let at = 0; at < 400; at++) turn();
    const refused = jobs.filter(({ outcome }) => outcome !== undefined && 'error' in outcome);
    expect(refused.length).toBe(300 - 8 - 256);
    for (const { outcome } of refused) expect(outcome).toEqual({ error: expect.any(TooMuchWork) });
    expect(all.filter(({ ended }) => ended)).toHaveLength(refused.length);
  });

  it('end cancelled work at once, and start a waiting one instead', async () => {
    const { turns, turn } = loop();
    const told = fresh();
    const job = turns.start(steps(turns.pace, 100_000, told));
    turn();
    const { done } = told;
    job.cancel();
    expect(told.ended).toBe(true);
    turn();
    turn();
    expect([told.done, job.outcome]).toEqual([done, undefined]);
    await turns.idle();
    expect(turns.size).toBe(0);
  });

  it('do nothing while work waits for a promise; its rejection is the error of the work', async () => {
    const { turns, turn } = loop();
    function* waiting(promise: Promise<unknown>): Work<string> {
      yield promise;
      return 'waited';
    }
    const good = turns.start(waiting(Promise.resolve()));
    const bad = turns.start(waiting(Promise.reject(new Error('broken'))));
    expect([good.ended, bad.ended]).toEqual([false, false]);
    await Promise.resolve();
    await Promise.resolve();
    turn();
    expect(good.outcome).toEqual({ value: 'waited' });
    expect(bad.outcome).toEqual({ error: new Error('broken') });
  });
});
