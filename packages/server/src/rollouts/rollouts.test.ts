/** Rollouts and schedules in a server whose clock the test drives. */

import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { turnsUntil } from '../turns-until.case.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { OneStore } from '../one-store.case.ts';
import { findConfig, findProposal, historyOf, stagedRollout } from '../registry/kind/config/find.ts';
import type { RolloutPlan } from '../registry/kind/config/rows.ts';
import type { Command } from '../registry/kinds.ts';
import { Replica } from '../replica.ts';
import { createServer, type Server } from '../server.ts';
import type { RolloutsOptions } from './options.ts';
import { Rollouts } from './rollouts.ts';

const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };

interface Running {
  readonly server: Server;
  readonly clock: ManualClock;
}

async function started(clock = manualClock(), engine = memory()): Promise<Running> {
  const server = await createServer({ http: { port: 0 }, engine, clock });
  onTestFinished(() => server.close());
  return { server, clock };
}

/** @param instances that have the places of its first stage; those of release 2 */
const publish = (content: string, plan?: RolloutPlan, ...instances: string[]): Command => ({
  ...{ kind: 'config-publish', ...ref, content: Buffer.from(content), md5: content, hash: content },
  ...(plan === undefined ? {} : { rollout: { name: 'next', priority: 0, plan } }),
  ...(instances.length === 0 ? {} : { places: { release: 2, stage: 0, instances } }),
});

const register = (node: string, status: 'passing' | 'critical' = 'passing'): Command => ({
  ...{ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure' },
  instances: [{ id: 'shop', service: 'shop' }],
  checks: [{ id: 'c', name: 'c', instance: 'shop', status }],
});

async function submit({ server }: Running, ...commands: Command[]): Promise<void> {
  for (const command of commands) await server.registry.submit(command);
}

const rolloutIn = ({ server }: Running) => stagedRollout(findConfig(server.registry.state, ref));
const releaseIn = ({ server }: Running) => findConfig(server.registry.state, ref)?.release;

function stepsIn({ server }: Running): string[] {
  const row = findConfig(server.registry.state, ref);
  return row === undefined ? [] : Array.from(historyOf(server.registry.state, row), ({ step }) => step);
}

/** Lets timers that are due fire, and what follows from them. */
async function reached(running: Running, holds: () => boolean): Promise<void> {
  await turnsUntil(holds, () => running.clock.advance(0));
}

/** Several turns in which something could happen that must not. */
async function nothingHappens({ clock }: Running): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    clock.advance(0);
    await new Promise((next) => setImmediate(next));
  }
}

const withInstances = async (running: Running, count: number) => submit(running, ...Array.from({ length: count }, (_, at) => register(`n${at}`)), publish('old'));

describe('a rollout', () => {
  test('goes through its stages by the clock, and then all clients get it', async () => {
    const running = await started();
    await withInstances(running, 4);
    await submit(running, publish('new', { stages: [{ count: 1, bakeMs: 60_000 }, { percent: 50, bakeMs: 30_000 }] }));
    await reached(running, () => rolloutIn(running)?.staged.assigned?.length === 1);
    running.clock.advance(59_000);
    await nothingHappens(running);
    expect(rolloutIn(running)?.staged.stage).toBe(0);
    running.clock.advance(1_000);
    await reached(running, () => rolloutIn(running)?.staged.stage === 1);
    running.clock.advance(30_000);
    await reached(running, () => rolloutIn(running) === undefined);
    expect([releaseIn(running), stepsIn(running)]).toEqual([2, ['rollout-complete', 'rollout-advance', 'publish', 'publish']]);
  });

  test('fills a place that becomes free, and no other', async () => {
    const running = await started();
    await withInstances(running, 5);
    await submit(running, publish('new', { stages: [{ count: 2, bakeMs: 60_000 }] }));
    await reached(running, () => rolloutIn(running)?.staged.assigned?.length === 2);
    const [gone = '', stays = ''] = rolloutIn(running)?.staged.assigned ?? [];
    await submit(running, { kind: 'deregister-instance', namespace: 'default', node: gone.split('/')[0] ?? '', id: 'shop' });
    await reached(running, () => rolloutIn(running)?.staged.assigned?.includes(gone) === false);
    expect(rolloutIn(running)?.staged.assigned).toHaveLength(2);
    expect(rolloutIn(running)?.staged.assigned).toContain(stays);
  });

  test('ends without a tick of the clock when its alarm is tripped', async () => {
    const running = await started();
    await withInstances(running, 5);
    await submit(running, publish('new', { stages: [{ count: 2, bakeMs: 60_000 }], alarm: { on: ['unhealthy'], share: 0.5 } }, 'n0/shop', 'n1/shop'));
    const [sick = ''] = rolloutIn(running)?.staged.assigned ?? [];
    await submit(running, register(sick.split('/')[0] ?? '', 'critical'));
    await reached(running, () => rolloutIn(running) === undefined);
    expect([releaseIn(running), stepsIn(running)[0]]).toEqual([1, 'auto-rollback']);
  });

  test('ends when its instances crash one after the other, and not when they are taken out on purpose', async () => {
    const running = await started();
    await withInstances(running, 12);
    await submit(running, publish('new', { stages: [{ count: 2, bakeMs: 60_000 }], alarm: { on: ['unhealthy'], share: 0.5, atLeast: 2 } }, 'n0/shop', 'n1/shop'));
    const leave = (node: string): Command => ({ kind: 'deregister-instance', namespace: 'default', node, id: 'shop' });
    const drain = (node: string): Command => ({ ...(register(node, 'critical') as Extract<Command, { readonly kind: 'register' }>), instances: [{ id: 'shop', service: 'shop', status: 'draining' }] });
    const places = () => rolloutIn(running)?.staged.assigned?.map((instance) => instance.split('/')[0] ?? '') ?? [];
    const replaced = async (node: string) => reached(running, () => places().length === 2 && !places().includes(node));
    // One goes by itself, one drains before it stops: neither is a loss.
    await submit(running, leave('n0'));
    await replaced('n0');
    await submit(running, drain('n1'), leave('n1'));
    await replaced('n1');
    // One at a time is critical and is removed, and another one gets its place.
    for (let crashes = 0; crashes < 2; crashes++) {
      expect(stepsIn(running)[0]).toBe('publish');
      const [node = ''] = places();
      await submit(running, register(node, 'critical'), leave(node));
      await reached(running, () => rolloutIn(running) === undefined || (places().length === 2 && !places().includes(node)));
    }
    await reached(running, () => rolloutIn(running) === undefined);
    expect(stepsIn(running)[0]).toBe('auto-rollback');
  });

  test('ends when its instances begin again under new sessions', async () => {
    const running = await started();
    const session = (id: string): Command => ({ kind: 'session-create', namespace: 'default', id, name: 's', node: '', checks: [], ttlMs: 0, lockDelayMs: 0, behavior: 'release', liveness: 'stream' });
    const by = (id: string): Command => ({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: [{ id: 'shop-1', service: 'shop', session: id }], checks: [] });
    const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
    await withInstances(running, 4);
    await submit(running, session(ids[0]), by(ids[0]), publish('new', { stages: [{ count: 1, bakeMs: 60_000 }], alarm: { on: ['unhealthy'], share: 0.5 } }, '/shop-1'));
    await nothingHappens(running);
    expect(stepsIn(running)[0]).toBe('publish');
    await submit(running, session(ids[1]), by(ids[1]));
    await reached(running, () => rolloutIn(running) === undefined);
    expect(stepsIn(running)[0]).toBe('auto-rollback');
  });

  test('ends when instances report errors', async () => {
    const running = await started();
    await withInstances(running, 5);
    await submit(running, publish('new', { stages: [{ count: 2, bakeMs: 60_000 }], alarm: { on: ['error'], share: 0.5 } }, 'n0/shop', 'n1/shop'));
    const [sick = ''] = rolloutIn(running)?.staged.assigned ?? [];
    await submit(running, { kind: 'config-report', ...ref, release: 2, instance: sick, error: 'cannot parse' });
    await reached(running, () => rolloutIn(running) === undefined);
    expect(stepsIn(running)[0]).toBe('auto-rollback');
  });

  test('goes on from its rows after a restart', async () => {
    const clock = manualClock();
    // The store outlives the first server.
    const engine = { ...memory(), close: () => Promise.resolve() };
    const first = await started(clock, engine);
    await withInstances(first, 2);
    await submit(first, publish('new', { stages: [{ percent: 10, bakeMs: 60_000 }] }));
    clock.advance(40_000);
    await first.server.close();
    const second = await started(clock, engine);
    clock.advance(19_000);
    await nothingHappens(second);
    expect(rolloutIn(second)?.staged.stage).toBe(0);
    clock.advance(1_000);
    await reached(second, () => releaseIn(second) === 2);
  });

  test('waits while it is paused and while the policy freezes', async () => {
    const running = await started();
    await withInstances(running, 2);
    await submit(running, publish('new', { stages: [{ percent: 10, bakeMs: 10_000 }] }), { kind: 'config-rollout', ...ref, rollout: 'next', action: 'pause' });
    running.clock.advance(600_000);
    await nothingHappens(running);
    const now = running.clock.now();
    await submit(running, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { freezes: [{ fromMs: now, toMs: now + 60_000, why: 'night' }] } });
    await submit(running, { kind: 'config-rollout', ...ref, rollout: 'next', action: 'resume' });
    running.clock.advance(59_000);
    await nothingHappens(running);
    expect(rolloutIn(running)?.staged.stage).toBe(0);
    running.clock.advance(1_000);
    await reached(running, () => releaseIn(running) === 2);
  });
});

describe('the webhook of an alarm', () => {
  async function hook(answer: () => { readonly status?: number; readonly body: string }): Promise<{ readonly url: string; readonly asked: string[] }> {
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(request.url ?? '');
      const { status = 200, body } = answer();
      response.writeHead(status).end(body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => new Promise<void>((closed) => server.close(() => closed())));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarm?team=a`, asked };
  }

  test('ends the rollout with its reason, and is told what it is asked about', async () => {
    const { url, asked } = await hook(() => ({ body: '{"alarm": true, "why": "error budget is spent"}' }));
    const running = await started();
    await submit(running, publish('old'), publish('new', { stages: [{ percent: 10, bakeMs: 60_000 }], alarm: { on: [], share: 1, webhook: url } }));
    await reached(running, () => rolloutIn(running) === undefined);
    const row = findConfig(running.server.registry.state, ref);
    expect(row && [...historyOf(running.server.registry.state, row)][0]).toMatchObject({ step: 'auto-rollback', message: expect.stringContaining('error budget is spent') as string });
    expect(asked[0]).toBe('/alarm?team=a&environment=default&app=shop&cluster=default&name=app&rollout=next&release=2&stage=0');
  });

  test('that gives no answer is no alarm, and the stage does not end without one', async () => {
    let broken = true;
    const { url, asked } = await hook(() => (broken ? { status: 500, body: '' } : { body: '{"alarm": false}' }));
    const running = await started();
    await submit(running, publish('old'), publish('new', { stages: [{ percent: 10, bakeMs: 10_000 }], alarm: { on: [], share: 1, webhook: url } }));
    await reached(running, () => asked.length > 0);
    for (let at = 0; at < 4; at++) {
      const before = asked.length;
      await turnsUntil(() => asked.length > before, () => running.clock.advance(5_000));
    }
    expect(rolloutIn(running)?.staged.stage).toBe(0);
    broken = false;
    await turnsUntil(() => releaseIn(running) === 2, () => running.clock.advance(1_000));
  });
});

describe('a scheduled proposal', () => {
  const propose = async (running: Running, notBeforeMs: number): Promise<number> => {
    const { registry } = running.server;
    await submit(running, { kind: 'config-draft-put', ...ref, content: Buffer.from('x'), md5: 'x', hash: 'x', by: 'ann' });
    const draft = registry.state.get('config-draft\0default\0shop\0app')?.modified ?? 0;
    const number = await registry.submit({ kind: 'config-propose', ...ref, draft, checked: [], notBeforeMs });
    if (number === false) throw new Error('it was not proposed');
    return number;
  };

  test('is published once when its time has come', async () => {
    const running = await started();
    await propose(running, running.clock.now() + 5_000);
    running.clock.advance(4_000);
    await nothingHappens(running);
    expect(releaseIn(running)).toBeUndefined();
    running.clock.advance(1_000);
    await reached(running, () => releaseIn(running) === 1);
    running.clock.advance(120_000);
    await nothingHappens(running);
    expect(stepsIn(running)).toEqual(['publish']);
  });

  test('waits for its approvals, and for the end of a freeze', async () => {
    const running = await started();
    const now = running.clock.now();
    await submit(running, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { approvals: 1, freezes: [{ fromMs: now + 10_000, toMs: now + 20_000, why: 'night' }] } });
    const number = await propose(running, now + 5_000);
    running.clock.advance(12_000);
    await nothingHappens(running);
    await submit(running, { kind: 'config-review', ...ref, number, verdict: 'approve', by: 'bob' });
    await nothingHappens(running);
    expect(releaseIn(running)).toBeUndefined();
    running.clock.advance(8_000);
    await reached(running, () => releaseIn(running) === 1);
    expect(findProposal(running.server.registry.state, ref, number)?.state).toBe('published');
  });
});

describe('with parts of its own', () => {
  async function alone(more: Partial<RolloutsOptions>) {
    const clock = manualClock();
    const replica = new Replica({ engine: memory(), clock, onFatal: (error) => { throw error; } });
    await replica.start();
    onTestFinished(() => replica.close());
    const recorded: string[] = [];
    const audit = { record: ({ via, action }: { readonly via: string; readonly action: string }) => void recorded.push(`${via}: ${action}`), flush: () => Promise.resolve() };
    const rollouts = new Rollouts({
      ...{ registry: replica, clock, log: pino({ level: 'silent' }), ownership: { owns: () => true }, isFrozen: () => false, audit },
      publishProposal: () => Promise.reject(new Error('no proposal')),
      ask: () => Promise.reject(new Error('no webhook')),
      ...more,
    });
    rollouts.start();
    onTestFinished(() => rollouts.close());
    const running = { server: { registry: replica } as Pick<Server, 'registry'> as Server, clock };
    await withInstances(running, 4);
    await submit(running, publish('new', { stages: [{ count: 1, bakeMs: 1_000 }], alarm: { on: ['unhealthy'], share: 0.5 } }, 'n0/shop'));
    return { running, recorded };
  }

  const sicken = async (running: Running) => submit(running, register(rolloutIn(running)?.staged.assigned?.[0]?.split('/')[0] ?? '', 'critical'));

  test('a node that does not own the configuration does nothing', async () => {
    const { running } = await alone({ ownership: { owns: () => false } });
    await sicken(running);
    running.clock.advance(5_000);
    await nothingHappens(running);
    expect(rolloutIn(running)?.staged.stage).toBe(0);
  });

  test('while liveness knows nothing no alarm is tripped and no stage ends, and afterwards both are', async () => {
    let frozen = true;
    const { running, recorded } = await alone({ isFrozen: () => frozen });
    await sicken(running);
    running.clock.advance(5_000);
    await nothingHappens(running);
    expect(rolloutIn(running)?.staged.stage).toBe(0);
    frozen = false;
    await turnsUntil(() => rolloutIn(running) === undefined, () => running.clock.advance(100));
    expect([stepsIn(running)[0], recorded]).toEqual(['auto-rollback', [expect.stringMatching(/^rollouts: rollout next of config "shop\/app": its alarm ended it: \d of \d instances with the release/)]]);
  });
});

test('on several nodes the rollout goes on when its owner leaves, and each step is made once', async () => {
  const all = await OneStore.with(['s1', 's2', 's3']);
  onTestFinished(() => all.close());
  const [first, second, last] = all.servers.map((server) => ({ server, clock: manualClock() })) as [Running, Running, Running];
  await withInstances(first, 3);
  await submit(first, publish('new', { stages: [{ percent: 10, bakeMs: 1_500 }, { percent: 50, bakeMs: 100 }] }));
  await first.server.close();
  await second.server.close();
  await expect.poll(() => releaseIn(last)).toBe(2);
  expect(stepsIn(last)).toEqual(['rollout-complete', 'rollout-advance', 'publish', 'publish']);
});
