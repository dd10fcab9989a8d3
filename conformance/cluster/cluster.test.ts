/** Short runs with fixed seeds. A longer one with any seed: `npm run chaos -- --minutes N --seed S`. */

import { afterEach, expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from './deployment.ts';
import { porcupineProblem } from './check/porcupine.ts';
import { etcdProblem } from '../etcd/start.mjs';
import { onEtcd } from './deploy/on-etcd.ts';
import { pair } from './deploy/pair.ts';
import { single } from './deploy/single.ts';
import { History } from './history.ts';
import { judge } from './judge.ts';
import { secondOpinion } from './second-opinion.ts';
import { run, settleMs, together, type Part } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-chaos-'));
let deployment: Deployment | undefined;

afterEach(async () => {
  await deployment?.close();
  deployment = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const noPorcupine = porcupineProblem();

async function breachesOf(seed: number, runMs: number, parts: readonly Part[]) {
  const history = new History();
  await run(deployment as Deployment, history, { seed, runMs, parts });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  // A run without requests and faults would prove nothing.
  for (const checker of ['keys', 'locks', 'transactions', 'watches', 'indexes']) expect(counts[checker], checker).toBeGreaterThan(20);
  if (noPorcupine === undefined) {
    const { judged, differences } = await secondOpinion(history.events);
    expect(differences).toEqual([]);
    expect(judged).toBeGreaterThan(0);
  }
  return breaches;
}

test('two servers on one store, whose feeds are late or lost, keep all promises about keys, locks, transactions and watches', async () => {
  deployment = await pair();
  expect(await breachesOf(1, 8_000, ['keys', 'locks', 'lists', 'watches'])).toEqual({});
}, 60_000);

test('two servers lose no healthy instance while one of them is taken for dead or gets no news', async () => {
  const { faults, ...both } = await pair();
  deployment = { ...both, faults: faults.filter(({ name }) => name.endsWith(' node')) };
  const history = new History();
  await run(deployment, history, { seed: 3, runMs: 18_000, parts: ['native', 'ttl'] });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  expect(counts['liveness']).toBeGreaterThan(50);
  expect(breaches).toEqual({});
}, 60_000);

test('three nodes on three members of etcd keep all promises while nodes, members and links fail', async ({ skip }) => {
  const problem = etcdProblem();
  skip(problem !== undefined, problem);
  deployment = await onEtcd(folder);
  expect(await breachesOf(4, 10_000, ['keys', 'locks', 'lists', 'watches'])).toEqual({});
}, 90_000);

test('one server that is killed, frozen and restarted keeps all promises', async () => {
  deployment = await single(folder);
  expect(await breachesOf(1, 6_000, ['keys', 'locks', 'lists', 'watches', 'native', 'ttl'])).toEqual({});
}, 60_000);
