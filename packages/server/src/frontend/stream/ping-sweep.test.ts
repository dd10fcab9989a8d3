import { describe, expect, it } from 'vitest';
import { Wheel } from '../../health/wheel.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { PingSweep } from './ping-sweep.ts';

class Visitee {
  visits = 0;
  pings = 0;
  quietMax = 0;
  visit(quietMax: number, _stuckMax: number, withPing: boolean): void {
    this.visits++;
    if (withPing) this.pings++;
    this.quietMax = quietMax;
  }
}

function setUp(count: number, isBusy = () => false) {
  const clock = manualClock();
  const wheel = new Wheel({
    clock,
    onError: (error) => {
      throw error;
    },
  });
  const sweep = new PingSweep<Visitee>(wheel, clock, isBusy);
  const streams = Array.from({ length: count }, () => new Visitee());
  for (const stream of streams) sweep.add(stream);
  return { clock, wheel, sweep, streams };
}

describe('the sweep', () => {
  it('visits every stream four times a second and pings it once', () => {
    const { clock, streams } = setUp(25);
    clock.advance(10_000);
    for (const { visits, pings } of streams) {
      expect(visits).toBeGreaterThanOrEqual(39);
      expect(visits).toBeLessThanOrEqual(41);
      expect(pings).toBeGreaterThanOrEqual(9);
      expect(pings).toBeLessThanOrEqual(11);
    }
  });

  it('ends a silent stream within 3 s of its last sign of life, and not within 2.2 s', () => {
    const { clock, streams } = setUp(10);
    const visitsWithin = (ms: number): number[] => {
      const before = streams.map(({ visits }) => visits);
      clock.advance(ms);
      return streams.map(({ visits }, index) => visits - (before[index] ?? 0));
    };
    clock.advance(137);
    // The first visit after the last sign of life sees that sign; those after it are quiet.
    expect(Math.min(...visitsWithin(3_000))).toBeGreaterThanOrEqual(1 + (streams[0]?.quietMax ?? 0));
    expect(Math.max(...visitsWithin(2_200))).toBeLessThan(1 + (streams[0]?.quietMax ?? 0));
  });

  it('spreads the visits, so that pings do not leave in one burst', () => {
    const { clock, streams } = setUp(100);
    clock.advance(1_000);
    const before = streams.map(({ visits }) => visits);
    clock.advance(50);
    const visited = streams.filter(({ visits }, index) => visits !== before[index]).length;
    expect(visited).toBeGreaterThan(0);
    expect(visited).toBeLessThanOrEqual(40);
  });

  it('pings between a seventh and two fifths of the streams in each quarter of a second', () => {
    const { clock, streams } = setUp(1_000);
    clock.advance(1_000);
    const pings = () => streams.reduce((sum, stream) => sum + stream.pings, 0);
    for (let quarter = 0; quarter < 8; quarter++) {
      const before = pings();
      clock.advance(250);
      expect(pings() - before).toBeGreaterThanOrEqual(150);
      expect(pings() - before).toBeLessThanOrEqual(400);
    }
  });

  it('delays pings behind pushes once, until the next visit', () => {
    const { clock, streams } = setUp(40, () => true);
    // Every stream is visited once in this time, and none of the pings that are due is sent.
    clock.advance(245);
    expect(streams.every(({ visits, pings }) => visits <= 1 && pings === 0)).toBe(true);
    clock.advance(9_755);
    for (const { pings } of streams) expect(pings).toBeGreaterThanOrEqual(9);
  });

  it('counts a stall of the server, of any length, as one visit', () => {
    const { clock, streams } = setUp(10);
    clock.advance(1_000);
    const before = streams.map(({ visits }) => visits);
    clock.stall(60_000);
    clock.advance(10);
    streams.forEach(({ visits }, index) => expect(visits - (before[index] ?? 0)).toBeLessThanOrEqual(1));
  });

  it('sets no timer when there is no stream to visit', () => {
    const { clock, wheel, sweep, streams } = setUp(2);
    for (const stream of streams) sweep.remove(stream);
    clock.advance(1_000);
    expect(wheel.size).toBe(0);
    const late = new Visitee();
    sweep.add(late);
    clock.advance(1_000);
    expect(late.visits).toBe(4);
    sweep.close();
    clock.advance(5_000);
    expect(late.visits).toBe(4);
  });
});
