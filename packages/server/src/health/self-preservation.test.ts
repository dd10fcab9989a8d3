/** When a loss is a mass loss, and how a freeze begins and ends. */

import { describe, expect, it } from 'vitest';
import { isMassLoss, SelfPreservation, windowMs } from './self-preservation.ts';

describe('a loss', () => {
  it.each([
    // leases, instances, of, mass loss?
    [0, 0, 0, false],
    [0, 0, 1_000, false],
    [1, 1, 1, false],
    [1, 500, 1, false], // one process, whatever it ran
    [2, 10, 2, true],
    [2, 9, 2, false],
    [9, 9, 9, false], // all of a small fleet: too few to tell
    [10, 10, 10, true],
    [10, 10, 66, true], // 15.2 %
    [10, 10, 67, false], // 14.9 %
    [15, 15, 100, false], // exactly 15 %
    [16, 16, 100, true],
    [150, 10, 1_000, false],
    [151, 10, 1_000, true],
    [1_000, 10, 100_000, false],
  ])('of %i leases with %i instances, of %i: %s', (leases, instances, of, expected) => {
    expect(isMassLoss({ leases, instances, of })).toBe(expected);
  });
});

describe('self-preservation', () => {
  const loss = (leases: number, of = 100) => ({ leases, instances: leases, of });

  it('lets single deaths expire', () => {
    const preservation = new SelfPreservation();
    for (let now = 0; now < 60_000; now += 1_000) {
      expect(preservation.decide(loss(1), now)).toBe('expire');
      preservation.expired(1, 1, now);
    }
  });

  it('counts what expired within the window: a loss in small steps is one, too', () => {
    const preservation = new SelfPreservation();
    const decisions: string[] = [];
    for (let step = 0; step < 6; step++) {
      const now = step * 500;
      const decision = preservation.decide(loss(4, 100 - step * 4), now);
      decisions.push(decision);
      if (decision === 'expire') preservation.expired(4, 4, now);
    }
    expect(decisions).toEqual(['expire', 'expire', 'expire', 'hold', 'hold', 'hold']);
    // When it was no more than that, it ends with the window.
    expect(preservation.decide(loss(4, 88), 1_000 + windowMs)).toBe('thaw');
  });

  it('does not count what expired before the window: a slow replacement of a fleet goes on', () => {
    const preservation = new SelfPreservation();
    for (let now = 0; now < 20 * windowMs; now += windowMs) {
      expect(preservation.decide(loss(14), now)).toBe('expire');
      preservation.expired(14, 14, now);
    }
  });

  it('holds until enough are back, then lets the rest start anew once', () => {
    const preservation = new SelfPreservation();
    expect(preservation.decide(loss(50), 0)).toBe('hold');
    expect(preservation.frozen).toBe(true);
    expect(preservation.decide(loss(16), 3_600_000)).toBe('hold');
    expect(preservation.decide(loss(15), 3_601_000)).toBe('thaw');
    expect(preservation.frozen).toBe(false);
    expect(preservation.decide(loss(15), 3_602_000)).toBe('expire');
  });

  it('is overridden by an operator, and takes the rest of the same event for what it is', () => {
    const preservation = new SelfPreservation();
    preservation.expired(15, 15, 0);
    expect(preservation.decide(loss(5, 85), 100)).toBe('hold');
    preservation.override();
    expect(preservation.frozen).toBe(false);
    expect(preservation.decide(loss(5, 85), 200)).toBe('expire');
  });
});
