import { describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { Rebuilt } from './rebuilt.ts';

function rebuilt(buildMs: number) {
  const clock = manualClock();
  const state = { revision: 0, builds: 0 };
  const index = new Rebuilt(
    clock,
    () => state.revision,
    () => {
      state.builds++;
      clock.advance(buildMs);
      return `at ${state.revision}`;
    },
  );
  return { clock, state, index };
}

describe('an index built from scratch', () => {
  it('is built when somebody asks, and not again before its source changes', () => {
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

  it('rests for a second at most, however long building took', () => {
    const { clock, state, index } = rebuilt(10_000);
    index.read();
    state.revision = 1;
    expect(index.read().behind).toBe(true);
    clock.advance(1_000);
    expect(index.read().behind).toBe(false);
  });

  it('rests after building, says that it is behind, and then catches up', () => {
    const { clock, state, index } = rebuilt(5);
    index.read();
    state.revision = 1;
    expect(index.read()).toEqual({ index: 'at 0', revision: 0, behind: true });
    clock.advance(94);
    expect(index.read().behind).toBe(true);
    clock.advance(1);
    expect(index.read()).toEqual({ index: 'at 1', revision: 1, behind: false });
  });

  it('never takes more than a twentieth of the time, however often its source changes', () => {
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
