/**
 * Nodes in separate processes on a real etcd: no death, sleep or cut of a node is taken for the death of a service. A client on
 * a stream and a service with heartbeats stay alive, and the test asks every healthy node all the time whether both are
 * passing.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Rollcall } from '@rollcall/client';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { etcdProblem, startEtcd, type EtcdCluster } from '../etcd/start.mjs';
import { stallMeter, type StallMeter } from '../../packages/server/src/stall-meter.case.ts';
import { faultProxy, type FaultProxy } from './fault/proxy.ts';
import { nodeProcess, serving, type NodeProcess } from './node-process.ts';

const problem = etcdProblem();
const folder = mkdtempSync(join(tmpdir(), 'rollcall-liveness-'));

const ttlMs = 10_000;
/** How long a presence lasts in etcd, and the time until the others notice its end. */
const goneMs = 15_000;

let nodes: NodeProcess[] = [];
let storeLinks: FaultProxy[] = [];
let etcd: EtcdCluster | undefined;
let rollcall: Rollcall | undefined;
/** The servers to which the client was connected, in order, with the times. */
let homes: { server: string; afterMs: number }[] = [];
/** From the fault on, without the time in which this process, and so the client, did not run. */
let meter: StallMeter | undefined;
let stopLooking: () => Promise<void> = () => Promise.resolve();

beforeEach(async ({ skip }) => {
  skip(problem !== undefined, problem);
  etcd = await startEtcd();
  const { hostname: host, port } = new URL(etcd.urls[0]);
  for (const name of ['n1', 'n2', 'n3']) {
    const link = await faultProxy(() => ({ host, port: Number(port) }));
    storeLinks.push(link);
    const args = ['--engine', `etcd:http://${link.host}:${link.port}`];
    nodes.push(await nodeProcess({ name, command: serving(name, args), logFile: join(folder, `${name}.log`) }));
  }
  for (const node of nodes) await node.start();
  rollcall = await connect({
    servers: nodes.map(({ url }) => url),
    node: 'client-host',
    onEvent: (event) => event.kind === 'connected' && homes.push({ server: event.server, afterMs: meter?.elapsedMs() ?? 0 }),
  });
  await rollcall.register({ service: 'streamed', id: 'streamed-1' });
  await put(nth(nodes, 0), '/v1/agent/service/register', { Name: 'beating', ID: 'beating-1', Check: { TTL: '10s', Status: 'passing' } });
  await expect.poll(() => shown(nth(nodes, 2))).toEqual(alive);
});

afterEach(async () => {
  await stopLooking();
  meter?.stop();
  meter = undefined;
  await rollcall?.close();
  await Promise.all(nodes.map((node) => node.close()));
  await Promise.all(storeLinks.map((link) => link.close()));
  etcd?.members[0].resume();
  await etcd?.stop();
  nodes = [];
  storeLinks = [];
  homes = [];
  stopLooking = () => Promise.resolve();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const alive = { streamed: ['passing'], beating: ['passing'] };
const headers = { 'x-rollcall-node': 'client-host' };

function nth<T>(all: readonly T[], index: number): T {
  const found = all[index];
  if (found === undefined) throw new Error(`there is no entry ${index}`);
  return found;
}

async function put(node: NodeProcess, path: string, body?: unknown): Promise<number> {
  const response = await fetch(`${node.url}${path}`, {
    ...{ method: 'PUT', headers, signal: AbortSignal.timeout(1_000) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function shown(node: NodeProcess): Promise<Record<string, string[]>> {
  const statuses = async (service: string) => {
    const response = await fetch(`${node.url}/v1/health/service/${service}`, { signal: AbortSignal.timeout(2_000) });
    const entries = (await response.json()) as { Checks: { CheckID: string; Status: string }[] }[];
    return entries.map(({ Checks }) => Checks.find(({ CheckID }) => CheckID !== 'serfHealth')?.Status ?? 'none');
  };
  return { streamed: await statuses('streamed'), beating: await statuses('beating') };
}

/**
 * Sends heartbeats through the nodes in turn, and compares their answers, until it is stopped.
 * @param healthy the nodes that may be asked
 * @returns a sentence for each wrong answer
 */
function look(healthy: () => readonly NodeProcess[]): string[] {
  const wrong: string[] = [];
  const stop = new AbortController();
  const began = performance.now();
  const beating = (async () => {
    for (let turn = 0; !stop.signal.aborted; turn++) {
      const all = healthy();
      await put(nth(all, turn % all.length), '/v1/agent/check/pass/service:beating-1').catch(() => {});
      await sleep(1_500);
    }
  })();
  const looking = (async () => {
    while (!stop.signal.aborted) {
      for (const node of healthy()) {
        const now = await shown(node).catch(() => undefined);
        const same = now !== undefined && JSON.stringify(now) !== JSON.stringify(alive);
        if (same && healthy().includes(node)) wrong.push(`${node.name} after ${Math.round(performance.now() - began)} ms: ${JSON.stringify(now)}`);
      }
      await sleep(100);
    }
  })();
  stopLooking = async () => {
    stop.abort();
    await Promise.all([beating, looking]);
  };
  return wrong;
}

/** The node to which the client's stream is open. */
const home = () => nth(nodes.filter(({ url }) => url === homes.at(-1)?.server), 0);

async function rehomed(from: NodeProcess): Promise<number> {
  await expect.poll(() => homes.at(-1)?.server, { interval: 10 }).not.toBe(from.url);
  return homes.at(-1)?.afterMs ?? Infinity;
}

async function names(node: NodeProcess): Promise<string[]> {
  const response = await fetch(`${node.url}/v1/operator/raft/configuration`);
  const { Servers } = (await response.json()) as { Servers: { Node: string }[] };
  return Servers.map(({ Node }) => Node).sort();
}

test('a node that is killed: its clients are on other nodes within 2 s, and no instance disappears', async () => {
  const victim = home();
  const others = nodes.filter((node) => node !== victim);
  const wrong = look(() => others);
  meter = stallMeter();
  await victim.kill();
  const took = await rehomed(victim);
  expect(took).toBeLessThan(2_000);
  await expect.poll(() => names(nth(others, 0)), { timeout: goneMs + 5_000 }).toEqual(others.map(({ name }) => name).sort());
  // Other nodes have taken over the deadlines of the node by now.
  await sleep(ttlMs + 3_000);
  await victim.start();
  await expect.poll(() => names(nth(others, 0)), { timeout: goneMs }).toEqual(['n1', 'n2', 'n3']);
  await sleep(3_000);
  expect(wrong).toEqual([]);
});

test('a node that sleeps for 30 s and wakes up: its clients are on other nodes within 2 s, and it expires nothing', async () => {
  const victim = home();
  const others = nodes.filter((node) => node !== victim);
  const wrong = look(() => others);
  meter = stallMeter();
  victim.freeze();
  const took = await rehomed(victim);
  expect(took).toBeLessThan(2_000);
  await sleep(30_000);
  expect(await names(nth(others, 0))).toEqual(others.map(({ name }) => name).sort());
  victim.thaw();
  await expect.poll(() => names(nth(others, 0)), { timeout: goneMs }).toEqual(['n1', 'n2', 'n3']);
  await sleep(ttlMs + 3_000);
  expect(await shown(victim)).toEqual(alive);
  expect(wrong).toEqual([]);
});

test('a node that is cut off from the store for 30 s: the others take over, and it comes back', async () => {
  const victim = home();
  const link = nth(storeLinks, nodes.indexOf(victim));
  const others = nodes.filter((node) => node !== victim);
  const wrong = look(() => others);
  link.set({ up: { blocked: true }, down: { blocked: true } });
  await expect.poll(() => names(nth(others, 0)), { timeout: goneMs + 10_000 }).toEqual(others.map(({ name }) => name).sort());
  await sleep(15_000);
  link.heal();
  await expect.poll(() => names(victim), { timeout: goneMs + 10_000 }).toEqual(['n1', 'n2', 'n3']);
  await sleep(ttlMs + 3_000);
  expect(await shown(victim)).toEqual(alive);
  expect(wrong).toEqual([]);
}, 150_000);

test('etcd stands still for 15 s, longer than presences last: no instance disappears, and the nodes are members again', async () => {
  const [member] = (etcd as EtcdCluster).members;
  const wrong = look(() => nodes);
  member.pause();
  await sleep(15_000);
  member.resume();
  for (const node of nodes) await expect.poll(() => names(node).catch(() => []), { timeout: goneMs + 10_000 }).toEqual(['n1', 'n2', 'n3']);
  // Presences that had ended meanwhile would be noticed by now, and so would instances without an owner.
  await sleep(ttlMs + 5_000);
  for (const node of nodes) {
    expect(await names(node)).toEqual(['n1', 'n2', 'n3']);
    expect(await shown(node)).toEqual(alive);
  }
  expect(wrong).toEqual([]);
});

test('nodes that are restarted one after the other: no instance disappears', async () => {
  let away: NodeProcess | undefined;
  const wrong = look(() => nodes.filter((node) => node !== away));
  for (const node of nodes) {
    away = node;
    expect(await node.stop()).toBe(0);
    await node.start();
    away = undefined;
    await sleep(2_000);
  }
  await sleep(ttlMs);
  expect(await names(nth(nodes, 0))).toEqual(['n1', 'n2', 'n3']);
  expect(wrong).toEqual([]);
}, 150_000);

test('a node that leaves by a command: its client goes to another one, and its process ends', async () => {
  const victim = home();
  const others = nodes.filter((node) => node !== victim);
  const wrong = look(() => others);
  meter = stallMeter();
  const answer = await fetch(`${victim.url}/rollcall/v1/leave`, { method: 'POST' });
  expect(await answer.text()).toBe('{"left":true}\n');
  expect(await rehomed(victim)).toBeLessThan(2_000);
  expect(await names(nth(others, 0))).toEqual(others.map(({ name }) => name).sort());
  expect(await victim.stop()).toBe(0);
  await sleep(ttlMs + 3_000);
  expect(wrong).toEqual([]);
});
