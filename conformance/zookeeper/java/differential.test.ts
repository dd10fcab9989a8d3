/** The same random requests to a real ZooKeeper and to Rollcall: answers, stats, errors, events and the order of zxids are equal. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../differential/compare.ts';
import { startRealZooKeeper, startRollcall, zooKeeperProblem, type ZooKeeperServer } from '../start.mjs';

const problem = zooKeeperProblem();
it('the server is built', () => expect(problem).toBeUndefined());

/** Others: `ROLLCALL_SEEDS=7,8,9`. */
const seeds = (process.env['ROLLCALL_SEEDS'] ?? '1,2,3,4,5,6').split(',').map(Number);

describe.runIf(problem === undefined).each(seeds)('seed %i', (seed) => {
  let zookeeper: ZooKeeperServer;
  let rollcall: ZooKeeperServer;

  beforeAll(async () => {
    zookeeper = await startRealZooKeeper();
    rollcall = process.env['ROLLCALL_REAL'] === '1' ? await startRealZooKeeper() : await startRollcall();
  });

  afterAll(async () => {
    await zookeeper?.stop();
    await rollcall?.stop();
  });

  it('answers like ZooKeeper', async () => {
    const { difference, succeeded, events } = await compare([zookeeper.port, rollcall.port], seed, 2_000);
    expect(difference).toBeUndefined();
    expect(succeeded).toBeGreaterThan(300);
    expect(events).toBeGreaterThan(30);
  });
});
