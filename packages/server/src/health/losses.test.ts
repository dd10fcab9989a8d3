/** Losses are weighed against the share of the leases that this node watches, and together with what has expired on other nodes. */

import { describe, expect, it } from 'vitest';
import { Census, type Stake } from './census.ts';
import { Losses } from './losses.ts';
import { isMassLoss } from './self-preservation.ts';

/** A fleet of 90 instances of 9 services, each on a different machine. @param watched how many of them this node watches */
function fleet(watched: number) {
  const census = new Census();
  const losses = new Losses(census);
  const stakes = Array.from({ length: 90 }, (_, at) => census.enter({ node: `n${at}`, services: [`s${at % 9}`], principal: `p${at}` }));
  for (let at = 0; at < watched; at++) losses.watch(1);
  const lost = new Set<Stake>();
  return {
    census,
    losses,
    stakes,
    lapse(count: number) {
      for (const stake of stakes.slice(0, count)) {
        losses.lapse(stake);
        lost.add(stake);
      }
    },
    elsewhere(from: number, count: number, at: number) {
      for (const stake of stakes.slice(from, from + count)) {
        losses.expiredElsewhere(stake, 1, at, () => lost);
        // An expired check vouches for no instance any more.
        census.leave(stake);
      }
    },
    isMass: () => losses.weigh((counts) => [...lost].filter(counts).length).map(isMassLoss),
  };
}

describe('losses', () => {
  it.each([
    ['a sixth of the leases of the only node', 90, 15, [true]],
    ['a tenth of them', 90, 9, [false]],
    ['seven of thirty leases of one node in three', 30, 7, [true]],
    ['four of its thirty', 30, 4, [false]],
    ['three of its thirty, which is below the smallest loss that counts', 30, 3, [false]],
  ])('of %s', (_what, watched, lapsed, mass) => {
    const all = fleet(watched);
    all.lapse(lapsed);
    expect(all.isMass()).toEqual(mass);
  });

  it('that are small on one node are large together with the expiries of other nodes', () => {
    const all = fleet(30);
    all.lapse(4);
    all.elsewhere(30, 20, 1_000);
    expect(all.isMass()).toEqual([false, true]);
    all.losses.forget(6_000);
    expect(all.isMass()).toEqual([false]);
    expect(all.census.leases).toBe(70);
  });

  it('no longer count after a renewal', () => {
    const all = fleet(30);
    all.elsewhere(30, 20, 1_000);
    all.lapse(4);
    for (const stake of all.stakes.slice(0, 4)) all.losses.return(stake);
    expect(all.losses.lapsed).toBe(0);
    expect(all.losses.leases).toBe(70);
  });

  it('stay in the count for the window after they expired here', () => {
    const all = fleet(30);
    const [stake] = all.stakes;
    all.losses.expired(stake as Stake, 1, 500);
    expect([all.losses.own.leases, all.losses.lapsed, all.census.leases]).toEqual([1, 0, 91]);
    all.losses.forget(500);
    expect([all.losses.own.leases, all.census.leases]).toEqual([0, 90]);
  });
});
