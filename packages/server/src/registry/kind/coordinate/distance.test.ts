/** Distances are those of Serf's coordinates: their meaning, and when there is no distance. */

import { beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { manualClock } from '../../../manual-clock.case.ts';
import { Replica } from '../../../replica.ts';
import { distance, distancesFrom } from './distance.ts';
import { coordinateKey } from './keys.ts';
import type { Coordinate } from './rows.ts';

const at = (first: number, second: number, more: Partial<Coordinate> = {}): Coordinate => ({
  vector: [first, second, 0, 0, 0, 0, 0, 0],
  ...{ error: 1.5, adjustment: 0, height: 0 },
  ...more,
});

describe('the distance of two coordinates', () => {
  it.each<[what: string, a: Coordinate, b: Coordinate, seconds: number]>([
    ['is that of their points', at(0, 0), at(0.3, 0.4), 0.5],
    ['has both heights on top', at(0, 0, { height: 0.1 }), at(0.3, 0.4, { height: 0.7 }), 1.3],
    ['has both adjustments on top', at(0, 0, { adjustment: 0.1 }), at(0.3, 0.4, { adjustment: 0.2 }), 0.8],
    ['is shortened by a negative adjustment', at(0, 0, { adjustment: -0.1 }), at(0.3, 0.4), 0.4],
    ['is not adjusted to nothing or less', at(0, 0, { adjustment: -1e6 }), at(0.3, 0.4), 0.5],
    ['is nothing from a point to itself', at(0.3, 0.4), at(0.3, 0.4), 0],
  ])('%s', (_what, a, b, seconds) => {
    expect(distance(a, b)).toBeCloseTo(seconds, 12);
    expect(distance(b, a)).toBeCloseTo(seconds, 12);
  });
});

describe('distances from a node', () => {
  let replica: Replica;
  beforeEach(async () => {
    const onFatal = (error: unknown) => {
      throw error;
    };
    replica = new Replica({ engine: memory(), clock: manualClock(), onFatal });
    await replica.start();
    for (const [name, segment, coordinate] of [['a', '', at(0, 0)], ['b', '', at(0.3, 0.4)], ['far', 'other', at(0, 0)]] as const) {
      await replica.submit({ kind: 'register', namespace: 'default', node: { name, address: '10.0.0.1' }, nodeMode: 'update' });
      await replica.submit({ kind: 'coordinate-put', node: name, coordinate: { segment, ...coordinate } });
    }
  });

  it('are infinite to an unknown node, and to another segment', () => {
    const from = distancesFrom(replica.state, 'a');
    expect([from?.('b'), from?.('far'), from?.('unknown')]).toEqual([0.5, Infinity, Infinity]);
  });

  it('are undefined from an unknown node, and from a removed one', async () => {
    expect(distancesFrom(replica.state, 'unknown')).toBe(undefined);
    await replica.submit({ kind: 'deregister-node', node: 'a' });
    expect(replica.state.get(coordinateKey('a'))).toBe(undefined);
    expect(distancesFrom(replica.state, 'a')).toBe(undefined);
    expect(distancesFrom(replica.state, 'b')?.('a')).toBe(Infinity);
  });

  it('are undefined for a node that did not exist when its coordinate came, and for one that came back and has not sent it again', async () => {
    const coordinate = { segment: '', ...at(0, 0) };
    expect(await replica.submit({ kind: 'coordinate-put', node: 'new', coordinate })).toBe(false);
    await replica.submit({ kind: 'deregister-node', node: 'a' });
    for (const name of ['new', 'a']) await replica.submit({ kind: 'register', namespace: 'default', node: { name, address: '10.0.0.1' }, nodeMode: 'update' });
    expect([distancesFrom(replica.state, 'new'), distancesFrom(replica.state, 'a')]).toEqual([undefined, undefined]);
  });
});
