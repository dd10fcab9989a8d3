/** Instances that have been critical for longer than they allow are deregistered; nothing else is. */

import { describe, expect, it } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { livenessOfTest, startLiveness, type Started } from './liveness.case.ts';

const definition = { deregisterCriticalAfterMs: 60_000 };
const slackMs = 1_200;

async function setStatus({ replica }: Started, name: string, status: 'passing' | 'critical'): Promise<void> {
  await replica.submit({
    kind: 'update-checks',
    updates: [{ namespace: 'default', node: `node-${name}`, id: `check-${name}`, status }],
  });
}

describe('an instance', () => {
  it('is removed when its check has been critical for the allowed time, and its node stays', async () => {
    const one = await livenessOfTest();
    await one.register('web', { type: 'none', definition });
    await one.pass(120_000);
    await setStatus(one, 'web', 'critical');
    await one.pass(59_900);
    expect(one.exists('web')).toBe(true);
    await one.pass(100 + slackMs);
    expect(one.exists('web')).toBe(false);
    expect(one.replica.state.get('node\0node-web')).toBeDefined();
    expect(await one.metric('rollcall_expiries_total')).toBe(1);
  });

  it('stays when it recovers in time; the next critical time counts from its own start', async () => {
    const one = await livenessOfTest();
    await one.register('web', { type: 'none', definition });
    await setStatus(one, 'web', 'critical');
    await one.pass(50_000);
    await setStatus(one, 'web', 'passing');
    await one.pass(120_000);
    await setStatus(one, 'web', 'critical');
    await one.pass(59_900);
    expect(one.exists('web')).toBe(true);
  });

  it('gets no more time from a change of its output', async () => {
    const one = await livenessOfTest();
    await one.register('web', { type: 'none', definition, status: 'critical' });
    await one.pass(50_000);
    await one.replica.submit({
      kind: 'update-checks',
      updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', output: 'still broken' }],
    });
    await one.pass(10_000 + slackMs);
    expect(one.exists('web')).toBe(false);
  });

  it('is removed after its TTL and the allowed time', async () => {
    const one = await livenessOfTest();
    await one.register('web', { type: 'ttl', definition: { ...definition, ttlMs: 10_000 } });
    await one.pass(69_900);
    expect(one.status('web')).toBe('critical');
    await one.pass(100 + 2 * slackMs);
    expect(one.exists('web')).toBe(false);
  });

  it('is never removed if its check does not allow it', async () => {
    const one = await livenessOfTest();
    await one.register('web', { type: 'none', status: 'critical' });
    await one.register('zero', { type: 'none', status: 'critical', definition: { deregisterCriticalAfterMs: 0 } });
    await one.pass(3_600_000);
    expect([one.exists('web'), one.exists('zero')]).toEqual([true, true]);
  });

  it('gets the full time again after a restart of the server', async () => {
    const engine = memory();
    const before = await startLiveness({ engine });
    await before.register('web', { type: 'none', definition, status: 'critical' });
    await before.pass(50_000);
    await before.close();
    const after = await livenessOfTest({ engine });
    await after.pass(59_900);
    expect(after.exists('web')).toBe(true);
    await after.pass(100 + slackMs);
    expect(after.exists('web')).toBe(false);
  });
});

describe('a node', () => {
  it('is never removed for one of its own checks', async () => {
    const one = await livenessOfTest();
    await one.replica.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: 'n', address: '10.0.0.1' },
      nodeMode: 'ensure',
      checks: [{ id: 'disk', name: 'disk', status: 'critical', definition }],
    });
    await one.pass(120_000);
    expect(one.replica.state.get('node\0n')).toBeDefined();
    expect(one.replica.state.get('check\0default\0n\0disk')).toBeDefined();
  });
});

describe('many instances', () => {
  const names = Array.from({ length: 20 }, (_, index) => `i${index}`);

  it('that became critical together are not removed together', async () => {
    const one = await livenessOfTest();
    for (const name of names) await one.register(name, { type: 'none', definition, status: 'critical' });
    await one.pass(120_000);
    for (const name of names) expect(one.exists(name)).toBe(true);
    expect(one.liveness.status()).toMatchObject({ frozen: true, held: 20, share: 1 });
    expect(await one.metric('rollcall_expiry_frozen')).toBe(1);
    expect(one.liveness.override()).toBe(20);
    await one.pass(100);
    for (const name of names) expect(one.exists(name)).toBe(false);
  });

  it('are not removed while leases are frozen, and get the full time again afterwards', async () => {
    const one = await livenessOfTest();
    await one.register('broken', { type: 'none', definition, status: 'critical' });
    for (const name of names) await one.register(name, { type: 'ttl', definition: { ttlMs: 10_000 } });
    await one.pass(120_000);
    expect(one.liveness.status().frozen).toBe(true);
    expect(one.exists('broken')).toBe(true);
    for (const name of names) await one.beat(name);
    await one.pass(2_000);
    expect(one.liveness.status().frozen).toBe(false);
    for (let left = 57_000; left > 0; left -= 5_000) {
      for (const name of names) await one.beat(name);
      await one.pass(Math.min(left, 5_000));
    }
    expect(one.exists('broken')).toBe(true);
    await one.pass(3_000 + slackMs);
    expect(one.exists('broken')).toBe(false);
  });
});
