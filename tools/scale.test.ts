/** The simulation of a large fleet: its small version gives the same counts each time, and they agree with counts that are made another way. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { freezeMsMax } from '../packages/server/src/health/self-preservation.ts';
import { Owners } from '../packages/server/src/registry/kind/member/owners.ts';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';

interface Scenario {
  readonly name: string;
  readonly links: Readonly<Record<string, { readonly messages: number; readonly bytes: number }>>;
  readonly facts: Readonly<Record<string, number>>;
}

interface Cell {
  readonly instances: number;
  readonly members: ConstructorParameters<typeof Owners>[0];
  readonly serviceOf: Uint32Array;
  readonly watchers: readonly Uint32Array[];
  readonly home: Uint8Array;
  readonly machineOf: (instance: number) => number;
  readonly hasTtl: (machine: number) => boolean;
  readonly keyOf: (instance: number) => string;
}

interface Fleet {
  readonly sizes: { readonly small: { readonly instances: number; readonly clients: number; readonly nodes: number; readonly cells: number } };
  fleetOf(size: object, seed: number): { readonly cells: readonly object[] };
  cellOf(plan: object, seed: number): Cell;
}

/** It runs what is built. */
function run(...args: string[]) {
  return spawnSync(process.execPath, [join(root, 'bench/scale/run.mjs'), '--small', ...args], { encoding: 'utf8', timeout: 280_000 });
}

function json(seed: number, ...only: string[]): readonly Scenario[] {
  const { status, stdout, stderr } = run('--json', '--seed', String(seed), ...only.flatMap((name) => ['--only', name]));
  expect(status, stderr).toBe(0);
  return (JSON.parse(stdout) as { scenarios: Scenario[] }).scenarios;
}

let all: readonly Scenario[];
let fleet: Fleet;
let cells: readonly Cell[];

beforeAll(async () => {
  all = json(1);
  fleet = (await import(join(root, 'bench/scale/fleet.mjs'))) as Fleet;
  cells = fleet.fleetOf(fleet.sizes.small, 1).cells.map((plan) => fleet.cellOf(plan, 1));
}, 300_000);

function scenario(name: string): Scenario {
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

const messages = ({ links }: Scenario, link: string) => links[link]?.messages ?? Number.NaN;

it('the same seed gives the same counts, another seed others', { timeout: 300_000 }, () => {
  const again = ['zone', 'reconnect'];
  expect(json(1, ...again)).toEqual(again.map(scenario));
  expect(json(2, 'calm')).not.toEqual([scenario('calm')]);
});

it('every deadline has one owner, on which all nodes agree, also when the members change', () => {
  for (const { members, instances, keyOf, machineOf, hasTtl, home } of cells) {
    for (const left of [members, members.slice(1)]) {
      // Each node reads the members in an order of its own.
      const asNodesSee = left.map((_, at) => new Owners([...left.slice(at), ...left.slice(0, at)]));
      const owned = new Map<string, number>();
      let deadlines = 0;
      for (let instance = 0; instance < instances; instance++) {
        const machine = machineOf(instance);
        if (!hasTtl(machine)) continue;
        deadlines++;
        const holder = members[home[machine] ?? 0]?.nodeId;
        const owners = new Set(asNodesSee.map((each) => each.ownerOf(keyOf(instance), holder)));
        expect(owners.size).toBe(1);
        const [owner = ''] = owners;
        owned.set(owner, (owned.get(owner) ?? 0) + 1);
      }
      expect([...owned.keys()].sort()).toEqual(left.map(({ nodeId }) => nodeId).sort());
      expect([...owned.values()].reduce((sum, count) => sum + count, 0)).toBe(deadlines);
    }
  }
});

it('a calm hour has the heartbeats and pings that follow from their pauses, and nothing is written', () => {
  const calm = scenario('calm');
  const machines = cells.reduce((sum, { home }) => sum + home.length, 0);
  const checks = cells.reduce((sum, cell) => sum + withTtl(cell), 0);
  expect(calm.facts).toMatchObject({ heartbeats: checks * 360, pings: machines * 3_600, 'strays dropped': 0 });
  expect(calm.facts['strays in batches']).toBe(calm.facts['strays']);
  expect(messages(calm, 'client → node')).toBe(checks * 360 + machines * 3_600);
  expect(messages(calm, 'node → node')).toBe((calm.facts['batches of strays'] ?? 0) * 2);
  expect(calm.facts['transactions']).toBeUndefined();
});

it('a redeploy tells every watcher, and the store tells every node of a cell', () => {
  const redeploy = scenario('redeploy');
  const { instances, nodes, cells: count } = fleet.sizes.small;
  const { transactions = 0, pushes = 0 } = redeploy.facts;
  // Each change once to each watcher, if no change had to wait for another.
  const naive = cells.reduce((sum, { serviceOf, watchers }) => sum + serviceOf.reduce((own, service) => own + watchers.reduce((sum_, node) => sum_ + (node[service] ?? 0), 0) * 2, 0), 0);
  expect(messages(redeploy, 'client → node')).toBe(instances * 2);
  expect(messages(redeploy, 'node → client')).toBe(instances * 2 + pushes);
  expect(messages(redeploy, 'node → store')).toBe(transactions);
  expect(messages(redeploy, 'store → node')).toBe(transactions * (1 + nodes / count));
  expect(pushes).toBeLessThanOrEqual(naive);
  expect(pushes).toBeGreaterThan(naive * 0.9);
});

it('what is lost with a zone is removed in the end; a loss of two zones freezes for a quarter of an hour first', () => {
  for (const name of ['zone', 'zones']) {
    const { facts } = scenario(name);
    expect(facts['checks expired']).toBe(facts['checks of lost machines']);
    expect(facts['sessions expired']).toBe(facts['sessions of lost machines']);
    expect(facts['leases that still wait at the end']).toBe(0);
  }
  const { facts } = scenario('zones');
  expect(facts['nodes that froze']).toBeGreaterThan(0);
  const frozenMs = (facts['most: s until a freeze ended'] ?? 0) * 1_000 - (facts['most: ms until a node froze'] ?? 0);
  expect(Math.abs(frozenMs - freezeMsMax)).toBeLessThan(30_000);
});

it('all clients come back after a storm, and all that was decided is committed', () => {
  const { facts } = scenario('reconnect');
  expect(facts['clients that came back']).toBe(cells.reduce((sum, { home }) => sum + home.length, 0));
  expect(facts['commands that still wait after the minute']).toBe(0);
  expect(facts['checks held where their heartbeats come']).toBe(cells.reduce((sum, cell) => sum + withTtl(cell), 0));
});

it('the command of the page about scale prints what it promises', { timeout: 300_000 }, () => {
  const commands = blocksOf(readFileSync(join(root, 'docs/concepts/scale.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(commands).toHaveLength(1);
  for (const { text } of commands) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', text], { cwd: root, encoding: 'utf8', timeout: 280_000 });
    expect(status, stderr).toBe(0);
    expect(stdout.match(/^Simulation, seed 1; all 2 cells\.$/gm)).toHaveLength(all.length);
  }
});

it.each([
  [['--only', 'no-such'], 'no such scenario: no-such'],
  [['--seed', 'x'], 'the seed is x'],
  [['--cells', '0'], '--cells is 0'],
])('%j is refused', (args, message) => {
  const { status, stderr } = run(...args);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

function withTtl({ instances, machineOf, hasTtl }: Cell): number {
  let count = 0;
  for (let instance = 0; instance < instances; instance++) if (hasTtl(machineOf(instance))) count++;
  return count;
}
