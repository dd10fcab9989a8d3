import { describe, expect, it } from 'vitest';
import { ZoneLoad } from './zone-load.ts';

function heard(...reports: [now: number, inFlight: number, utilization?: number][]): ZoneLoad {
  const load = new ZoneLoad();
  for (const [now, inFlight, utilization] of reports) load.hear(now, utilization === undefined ? { inFlight } : { inFlight, utilization });
  return load;
}

describe('the load of a zone', () => {
  it('is the mean of its instances’ reports', () => {
    const load = heard([0, 2, 0.25], [0, 4, 0.75]);
    expect([load.inFlight, load.utilization]).toEqual([3, 0.5]);
  });

  it('follows new reports: a report that is a second old counts 1/e', () => {
    const load = heard([0, 10], [1000, 0]);
    expect(load.inFlight).toBeCloseTo(10 / (1 + Math.E), 9);
  });

  it('is known for thirty seconds after a report', () => {
    const load = heard([500, 1]);
    expect([load.isFresh(30_500), load.isFresh(30_501), new ZoneLoad().isFresh(0)]).toEqual([true, false, false]);
  });

  it('has a utilisation only if nearly all reports have one', () => {
    expect(heard([0, 1, 0.5], [0, 1]).utilization).toBeUndefined();
    expect(heard([0, 1]).utilization).toBeUndefined();
  });

  it('accepts a report that is older than the last one, as an answer to a probe may be', () => {
    const load = heard([1000, 4], [400, 2]);
    expect([load.inFlight, load.isFresh(31_000)]).toEqual([3, true]);
  });
});

describe('headroom', () => {
  it.each([
    ['idle', 0, 0, 1],
    ['half used', 3, 0.5, 0.25 + 0.5 / 4],
    ['full, a queue of nine', 9, 1, 0.1],
    ['full, though nothing of ours is in flight', 0, 1, 0.25],
    ['asked for more than it can do', 9, 1.7, 0.1],
    ['many processors, half used', 31, 0.5, 0.25 + 0.5 / 32],
  ])('by utilisation and requests in flight: %s', (_, inFlight, utilization, wanted) => {
    expect(heard([0, inFlight, utilization]).headroom(true, true)).toBeCloseTo(wanted, 9);
  });

  it('follows requests in flight when one of the compared zones reports nothing else', () => {
    expect(heard([0, 3, 0.2]).headroom(false, true)).toBe(0.25);
    expect(heard([0, 3]).headroom(true, true)).toBe(0.25);
  });
});
