/** Short runs with fixed seeds. A longer one with any seed: `npm run chaos -- --minutes N --seed S`. */

import { afterEach, expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { olderCommit, olderProblem } from './build-older.mjs';
import type { Deployment } from './deployment.ts';
import { porcupineProblem } from './check/porcupine.ts';
import { etcdProblem } from '../etcd/start.mjs';
import { clockProblem } from './fault/clock.ts';
import { onEtcd } from './deploy/on-etcd.ts';
import { pair } from './deploy/pair.ts';
import { single } from './deploy/single.ts';
import { mountProblem, smallDisk } from './deploy/small-disk.ts';
import { twoVersions } from './deploy/two-versions.ts';
import { History } from './history.ts';
import { ownProgram } from './node-process.ts';
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

/** The message names the breaches: the summary of a run shows no more than it. */
function keeps(breaches: Readonly<Record<string, readonly string[]>>): void {
  expect(breaches, JSON.stringify(breaches)).toEqual({});
}

const noPorcupine = porcupineProblem();

const checkerOf: Readonly<Record<Part, string>> = { keys: 'keys', znodes: 'znodes', locks: 'locks', 'native-locks': 'native locks', lists: 'transactions', watches: 'watches', native: 'liveness', ttl: 'liveness' };

async function breachesOf(seed: number, runMs: number, parts: readonly Part[]) {
  const history = new History();
  await run(deployment as Deployment, history, { seed, runMs, parts });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  // A run without requests and faults would prove nothing.
  for (const checker of [...parts.map((part) => checkerOf[part]), 'indexes']) expect(counts[checker], checker).toBeGreaterThan(20);
  if (noPorcupine === undefined) {
    const { judged, differences } = await secondOpinion(history.events);
    expect(differences).toEqual([]);
    expect(judged).toBeGreaterThan(0);
  }
  return breaches;
}

test('two servers on one store, whose feeds are late or lost, keep all promises about keys, locks, transactions and watches', async () => {
  deployment = await pair();
  keeps(await breachesOf(1, 8_000, ['keys', 'znodes', 'locks', 'lists', 'watches']));
});

test('two servers lose no healthy instance while one of them is taken for dead or gets no news', async () => {
  const { faults, ...both } = await pair();
  deployment = { ...both, faults: faults.filter(({ name }) => name.endsWith(' node')) };
  const history = new History();
  await run(deployment, history, { seed: 3, runMs: 18_000, parts: ['native', 'ttl'] });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  expect(counts['liveness']).toBeGreaterThan(50);
  keeps(breaches);
});

test('three nodes on three members of etcd keep all promises while nodes, members and links fail', async ({ skip }) => {
  const problem = etcdProblem();
  skip(problem !== undefined, problem);
  deployment = await onEtcd(folder);
  keeps(await breachesOf(4, 10_000, ['keys', 'locks', 'native-locks', 'lists', 'watches']));
});

test('members of etcd that are cut off, deaf or mute: three nodes keep all promises', async ({ skip }) => {
  const problem = etcdProblem();
  skip(problem !== undefined, problem);
  const { faults, ...all } = await onEtcd(folder, { partitions: true });
  deployment = { ...all, faults: faults.filter(({ name }) => /^etcd member (cut off|deaf|mute)$/.test(name)) };
  expect(deployment.faults).toHaveLength(3);
  keeps(await breachesOf(2, 9_000, ['keys', 'locks', 'lists', 'watches']));
});

test('nodes of an older version and of this one, which take turns as in a rolling upgrade and its way back, keep all promises', async ({ skip }) => {
  const problem = etcdProblem();
  skip(problem !== undefined, problem);
  // Without the history all nodes are of this version: then it is a rolling restart, and says so.
  const missing = olderProblem(olderCommit);
  if (missing !== undefined) process.stderr.write(`no older version takes part: ${missing}\n`);
  deployment = await twoVersions(folder, olderCommit, missing === undefined ? undefined : ownProgram);
  const history = new History();
  await run(deployment, history, { seed: 1, runMs: 14_000, calmMs: 800, parts: ['keys', 'locks', 'lists', 'watches', 'native', 'ttl'] });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  const changes = history.events.flatMap((event) => (event.t === 'fault' ? [event.what] : []));
  for (const version of ['older', 'newer']) expect(changes.filter((what) => what.endsWith(`the ${version} version`)).length, version).toBeGreaterThan(0);
  for (const checker of ['keys', 'locks', 'transactions', 'watches', 'indexes', 'liveness']) expect(counts[checker], checker).toBeGreaterThan(20);
  keeps(breaches);
}, 180_000);

test('etcd is restored from an older snapshot under three nodes: no index or token goes back, and instances are there again', async ({ skip }) => {
  const problem = etcdProblem();
  skip(problem !== undefined, problem);
  const { faults, ...all } = await onEtcd(folder, { restores: true });
  deployment = { ...all, faults: faults.filter(({ name }) => name === 'etcd restored') };
  const history = new History();
  await run(deployment, history, { seed: 1, runMs: 14_000, calmMs: 3_000, parts: ['locks', 'native-locks', 'watches', 'native', 'ttl'] });
  const { breaches, counts } = judge(history.events, { settleMs, together });
  for (const checker of ['watches', 'fencing', 'native locks', 'liveness', 'indexes']) expect(counts[checker], checker).toBeGreaterThan(5);
  keeps(breaches);
});

test('one server whose disk is full now and then keeps all promises', async ({ skip }) => {
  const problem = mountProblem();
  skip(problem !== undefined, problem);
  deployment = await smallDisk(folder);
  keeps(await breachesOf(1, 5_000, ['keys', 'locks', 'lists', 'watches']));
});

test('one server whose clock jumps by hours keeps all promises', async ({ skip }) => {
  skip(clockProblem !== undefined, clockProblem);
  const { faults, ...all } = await single(folder);
  deployment = { ...all, faults: faults.filter(({ name }) => name === 'clock jumped') };
  expect(deployment.faults).toHaveLength(1);
  keeps(await breachesOf(1, 5_000, ['keys', 'locks', 'lists', 'watches', 'ttl']));
});

test('one server that is killed, frozen and restarted keeps all promises', async () => {
  deployment = await single(folder);
  keeps(await breachesOf(1, 6_000, ['keys', 'znodes', 'locks', 'native-locks', 'lists', 'watches', 'native', 'ttl']));
});
