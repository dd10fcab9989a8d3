/** The start of liveness over a store with many deadlines: it takes many turns of the event loop, in which the registry changes. */

import { expect, it } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { livenessOfTest, startLiveness } from './liveness.case.ts';

const ttl = { type: 'ttl', definition: { ttlMs: 10_000 } } as const;
const slackMs = 1_200;
const deadlines = 5_000;
/** As many deadlines begin in one turn. */
const perTurn = 1_024;

async function storeWithMany() {
  const engine = memory();
  const before = await startLiveness({ engine });
  const checks = Array.from({ length: deadlines }, (_, n) => ({ id: `many-${n}`, name: 'alive', status: 'passing', ...ttl }) as const);
  for (let at = 0; at < deadlines; at += 500) {
    await before.replica.submit({ kind: 'register', namespace: 'default', node: { name: 'large', address: '10.0.0.1' }, nodeMode: 'ensure', checks: checks.slice(at, at + 500) });
  }
  for (const name of ['stays', 'goes', 'turns']) await before.register(name, ttl);
  await before.close();
  return engine;
}

it('begins a bounded number of deadlines in a turn', async () => {
  const engine = await storeWithMany();
  const asked: string[] = [];
  const inTurns: number[] = [];
  const ownership = { nodeId: 'this-node', judge: undefined, generation: 0, owns: (key: string) => asked.push(key) > 0, stray: () => {} };
  const starting = startLiveness({ engine, ownership });
  while (asked.length < 2 * deadlines) {
    const before = asked.length;
    await new Promise((turn) => setImmediate(turn));
    inTurns.push(asked.length - before);
  }
  // For each check, its heartbeats and its probes ask for the owner.
  expect(Math.max(...inTurns)).toBeLessThanOrEqual(4 * perTurn);
  await (await starting).close();
});

it('follows what changes meanwhile, and lets no check expire before it has all of them', async () => {
  const engine = await storeWithMany();
  const during = await livenessOfTest({
    engine,
    whileStarting: async ({ replica, clock, submitted }) => {
      await replica.submit({ kind: 'deregister-node', node: 'node-goes' });
      await replica.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'node-turns', id: 'check-turns', status: 'critical' }] });
      clock.advance(30_000);
      expect(submitted).toEqual([]);
    },
  });
  await during.beat('stays');
  expect(during.liveness.beat('default', 'node-goes', 'check-goes', 'passing', '', 'owner')).toBe(false);
  await during.pass(9_900);
  expect([during.row('stays')?.status, during.row('goes'), during.row('turns')?.status]).toEqual(['passing', undefined, 'critical']);
  await during.pass(100 + slackMs);
  expect(during.row('stays')?.status).toBe('critical');
});
