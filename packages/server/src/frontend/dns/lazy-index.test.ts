import { describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { LazyIndex, stepsAtOnce } from './lazy-index.ts';

function rebuilt(buildMs: number) {
  const clock = manualClock();
  const state = { revision: 0, builds: 0 };
  const index = new LazyIndex(
    clock,
    () => state.revision,
    function* build() {
      state.builds++;
      clock.advance(buildMs);
      yield undefined;
      return `at ${state.revision}`;
    },
  );
  return { clock, state, index };
}

/** An index that takes a number of steps to build and is useful from step `usefulFrom` on. */
function large(steps: number, usefulFrom: number) {
  const clock = manualClock();
  const state = { revision: 0, steps: 0 };
  const index = new LazyIndex<string>(clock, () => state.revision, function* build() {
    const { revision } = state;
    for (let step = 1; step <= steps; step++) {
      state.steps++;
      yield step < usefulFrom ? undefined : () => `${step} steps of ${revision}`;
    }
    return `all of ${revision}`;
  });
  return { clock, state, index };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a large index', () => {
  it('is built over several turns; until then, readers get the part built so far', async () => {
    const { state, index } = large(2.5 * stepsAtOnce, 1);
    expect(index.read()).toEqual({ index: `${stepsAtOnce} steps of 0`, revision: '0\0so far', behind: true });
    // Asking does not make it quicker.
    for (let n = 0; n < 10; n++) expect(index.read().behind).toBe(true);
    expect(state.steps).toBe(stepsAtOnce);
    await turn();
    expect(state.steps).toBe(2 * stepsAtOnce);
    await turn();
    expect(index.read()).toEqual({ index: 'all of 0', revision: 0, behind: false });
  });

  it('is complete after `whenBuilt`', async () => {
    const { state, index } = large(2.5 * stepsAtOnce, Infinity);
    const built = index.whenBuilt();
    expect(state.steps).toBe(stepsAtOnce);
    await built;
    expect(index.read()).toEqual({ index: 'all of 0', revision: 0, behind: false });
    await index.whenBuilt();
    expect(state.steps).toBe(2.5 * stepsAtOnce);
  });

  it('is the previous one while the next is built', async () => {
    const { clock, state, index } = large(2.5 * stepsAtOnce, Infinity);
    index.read();
    state.revision = 1;
    clock.advance(1_000);
    expect(index.read()).toEqual({ index: 'all of 0', revision: 0, behind: true });
    for (let turns = 0; turns < 3; turns++) await turn();
    expect(index.read()).toEqual({ index: 'all of 1', revision: 1, behind: false });
  });

  it('is built at once when no part of the first build is useful', () => {
    const { index } = large(2.5 * stepsAtOnce, Infinity);
    expect(index.read()).toEqual({ index: 'all of 0', revision: 0, behind: false });
  });

  it('can be built before it is read', async () => {
    const { state, index } = large(2.5 * stepsAtOnce, Infinity);
    index.begin();
    for (let turns = 0; turns < 3; turns++) await turn();
    expect(state.steps).toBe(2.5 * stepsAtOnce);
    expect(index.read().behind).toBe(false);
    expect(state.steps).toBe(2.5 * stepsAtOnce);
  });
});

describe('an index built from scratch', () => {
  it('is built at the first read, and not again before its source changes', () => {
    const { state, index } = rebuilt(0);
    expect(state.builds).toBe(0);
    for (let n = 0; n < 3; n++) expect(index.read()).toEqual({ index: 'at 0', revision: 0, behind: false });
    state.revision = 7;
    expect(index.read()).toEqual({ index: 'at 7', revision: 7, behind: false });
    expect(state.builds).toBe(2);
  });

  it('is always current when it is quick to build', () => {
    const { state, index } = rebuilt(2);
    for (state.revision = 0; state.revision < 100; state.revision++) {
      expect(index.read()).toMatchObject({ revision: state.revision, behind: false });
    }
  });

  it('rests for at most a second, even after a long build', () => {
    const { clock, state, index } = rebuilt(10_000);
    index.read();
    state.revision = 1;
    expect(index.read().behind).toBe(true);
    clock.advance(1_000);
    expect(index.read().behind).toBe(false);
  });

  it('rests after building, reports that it is behind, and then catches up', () => {
    const { clock, state, index } = rebuilt(5);
    index.read();
    state.revision = 1;
    expect(index.read()).toEqual({ index: 'at 0', revision: 0, behind: true });
    clock.advance(94);
    expect(index.read().behind).toBe(true);
    clock.advance(1);
    expect(index.read()).toEqual({ index: 'at 1', revision: 1, behind: false });
  });

  it('never takes more than a twentieth of the time, even if its source changes often', () => {
    const { clock, state, index } = rebuilt(5);
    const until = clock.monotonic() + 10_000;
    while (clock.monotonic() < until) {
      state.revision++;
      index.read();
      clock.advance(1);
    }
    expect(state.builds).toBeGreaterThan(50);
    expect(state.builds * 5).toBeLessThanOrEqual(10_000 / 20 + 5);
  });
});
