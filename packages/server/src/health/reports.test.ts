/** What heartbeats say reaches the registry: a status at once, an output late, and neither is lost. */

import { describe, expect, it } from 'vitest';
import { livenessOfTest, turns } from './liveness.case.ts';
import { outputDelayMs } from './reports.ts';

const hour = { type: 'ttl', definition: { ttlMs: 3_600_000 } } as const;

describe('a heartbeat', () => {
  it('without a change commits nothing', async () => {
    const { register, beat, submitted, replica, metric } = await livenessOfTest();
    await register('web', hour);
    const { revision } = replica.state;
    for (let count = 0; count < 1_000; count++) expect(await beat('web')).toBe(true);
    expect(submitted).toEqual([]);
    expect(replica.state.revision).toBe(revision);
    expect(await metric('rollcall_heartbeats_total')).toBe(1_000);
  });

  it('with another status is answered when the registry has it, with its output', async () => {
    const { register, beat, row } = await livenessOfTest();
    await register('web', hour);
    expect(await beat('web', 'warning', 'slow')).toBe(true);
    expect(row('web')).toMatchObject({ status: 'warning', output: 'slow' });
  });

  it('that arrives while another one is being committed wins', async () => {
    const { register, beat, status } = await livenessOfTest();
    await register('web', hour);
    await Promise.all([beat('web', 'critical', 'bad'), beat('web', 'passing', 'good')]);
    expect(status('web')).toBe('passing');
    await Promise.all([beat('web', 'warning'), beat('web', 'warning'), beat('web', 'critical')]);
    expect(status('web')).toBe('critical');
  });

  it('for a check that does not exist, or is not a TTL check, is refused', async () => {
    const { register, beat, liveness } = await livenessOfTest();
    await register('web', { type: 'none' });
    expect(await beat('web')).toBe(false);
    expect(await liveness.beat('default', 'nowhere', 'nothing', 'passing', '', 'owner')).toBe(false);
  });

  it('whose commit fails tells its sender, keeps the instance alive and is committed when repeated', async () => {
    const { register, beat, status, pass, setOutage } = await livenessOfTest();
    await register('web', { type: 'ttl', definition: { ttlMs: 10_000 } });
    await pass(9_000);
    setOutage(new Error('no store'));
    await expect(beat('web', 'warning')).rejects.toThrow('no store');
    setOutage(undefined);
    await pass(5_000);
    expect(status('web')).toBe('passing');
    await beat('web', 'warning');
    expect(status('web')).toBe('warning');
  });

  it('gets its output cut to the limit', async () => {
    const { register, beat, row } = await livenessOfTest();
    await register('web', hour);
    await beat('web', 'warning', 'x'.repeat(5_000));
    expect(row('web')?.output).toBe(`${'x'.repeat(4_096)} ... (captured 4096 of 5000 bytes)`);
  });
});

describe('a change of only the output', () => {
  const key = ['default', 'node-web', 'check-web'] as const;

  it('is visible on this node at once, and committed once within five minutes', async () => {
    const { register, beat, liveness, row, pass, submitted } = await livenessOfTest();
    await register('web', hour);
    for (let minute = 0; minute < 10; minute++) {
      await beat('web', 'passing', `at minute ${minute}`);
      expect(liveness.output(...key)).toBe(`at minute ${minute}`);
      await pass(59_000);
    }
    expect(submitted).toEqual([
      { kind: 'update-checks', updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', output: 'at minute 5' }] },
    ]);
    expect(row('web')?.output).toBe('at minute 5');
    await pass(outputDelayMs);
    expect(row('web')?.output).toBe('at minute 9');
    expect(liveness.output(...key)).toBeUndefined();
    expect(submitted).toHaveLength(2);
  });

  it('is committed with the next status, and not again', async () => {
    const { register, beat, row, pass, submitted } = await livenessOfTest();
    await register('web', hour);
    await beat('web', 'passing', 'one');
    await beat('web', 'warning', 'two');
    await pass(2 * outputDelayMs);
    expect(row('web')).toMatchObject({ status: 'warning', output: 'two' });
    expect(submitted).toHaveLength(1);
  });

  it('that is undone is never committed', async () => {
    const { register, beat, pass, submitted } = await livenessOfTest();
    await register('web', { ...hour, output: 'one' });
    await beat('web', 'passing', 'two');
    await beat('web', 'passing', 'one');
    await pass(2 * outputDelayMs);
    expect(submitted).toEqual([]);
  });

  it('is not committed after the expiry of the check', async () => {
    const { register, beat, row, pass } = await livenessOfTest();
    await register('web', { type: 'ttl', definition: { ttlMs: 10_000 } });
    await beat('web', 'passing', 'fine');
    await pass(2 * outputDelayMs);
    expect(row('web')?.output).toBe('TTL expired (last output before timeout follows): fine');
  });

  it('does not restore an old status', async () => {
    const { replica, register, beat, row, pass } = await livenessOfTest();
    await register('web', hour);
    await beat('web', 'passing', 'fine');
    await replica.submit({
      kind: 'update-checks',
      updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', status: 'critical' }],
    });
    await pass(outputDelayMs + 1_000);
    expect(row('web')).toMatchObject({ status: 'critical', output: 'fine' });
  });

  it('is dropped after a later write of another caller', async () => {
    const { register, beat, liveness, row, pass, submitted } = await livenessOfTest();
    await register('web', hour);
    await beat('web', 'passing', 'mine');
    await register('web', { ...hour, output: 'theirs' });
    expect(liveness.output(...key)).toBeUndefined();
    await pass(2 * outputDelayMs);
    expect(row('web')?.output).toBe('theirs');
    expect(submitted).toEqual([]);
  });

  it('stays when an older one reaches the registry after it', async () => {
    const { register, beat, liveness } = await livenessOfTest();
    await register('web', hour);
    await Promise.all([beat('web', 'warning', 'older'), beat('web', 'warning', 'newer')]);
    await turns();
    expect(liveness.output(...key)).toBe('newer');
  });

  it('is kept when it cannot be committed', async () => {
    const { register, beat, row, pass, setOutage, liveness } = await livenessOfTest();
    await register('web', hour);
    await beat('web', 'passing', 'fine');
    setOutage(new Error('no store'));
    await pass(outputDelayMs + 1_000);
    expect(row('web')?.output).toBe('');
    expect(liveness.output(...key)).toBe('fine');
    setOutage(undefined);
    await pass(outputDelayMs + 1_000);
    expect(row('web')?.output).toBe('fine');
  });

  it('of very many checks is committed in turns of 512 a second', async () => {
    const { replica, liveness, clock, submitted } = await livenessOfTest();
    const ids = Array.from({ length: 1_200 }, (_, index) => `c${index}`);
    await replica.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: 'n', address: '10.0.0.1' },
      nodeMode: 'ensure',
      checks: ids.map((id) => ({ id, name: id, status: 'passing', ...hour })),
    });
    for (const id of ids) await liveness.beat('default', 'n', id, 'passing', 'said', 'owner');
    clock.advance(outputDelayMs + 10);
    const sizes = () => submitted.map((command) => (command.kind === 'update-checks' ? command.updates.length : 0));
    expect(sizes()).toEqual([512]);
    await turns();
    clock.advance(3_000);
    expect(sizes()).toEqual([512, 512, 176]);
  });
});
