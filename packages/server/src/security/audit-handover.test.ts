/** Workers hand their part of the audit log to the primary: each event once and in order, also when answers are lost. */

import { describe, expect, it } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import { Audit, verifyAudit, type AuditEvent } from './audit.ts';
import { AuditIntake, HandedAudit, type AuditBatch } from './audit-handover.ts';

const event = (action: string): AuditEvent => ({ kind: 'write', accessorId: 'a', namespace: 'default', address: '10.0.0.1', via: 'consul', action });
const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

function primary(waitingMax?: number) {
  let text = '';
  const audit = new Audit({ sink: { append: async (more) => void (text += more) }, now: () => 0, onError: () => {}, ...(waitingMax === undefined ? {} : { waitingMax }) });
  const intake = new AuditIntake(audit);
  const lines = () => text.split('\n').slice(0, -1);
  return { intake, lines, actions: () => lines().map((line) => (JSON.parse(line) as AuditEvent).action) };
}

describe('the audit log of workers', () => {
  it('is one chain with the time at which each event happened', async () => {
    const { intake, lines, actions } = primary();
    const clock = manualClock(1_700_000_000_000);
    const workers = ['w1', 'w2'].map((id) => new HandedAudit({ clock, onError: () => {}, hand: (batch) => intake.take(id, batch) }));
    for (const [at, worker] of workers.entries()) worker.record(event(`first of ${at}`));
    await Promise.all(workers.map((worker) => worker.flush()));
    clock.advance(1_000);
    workers[1]?.record(event('second of 1'));
    await workers[1]?.flush();
    expect(await verifyAudit(lines())).toMatchObject({ ok: true, end: { seq: 3 } });
    expect(actions().sort()).toEqual(['first of 0', 'first of 1', 'second of 1']);
    expect(JSON.parse(lines()[2] ?? '')).toMatchObject({ action: 'second of 1', time: '2023-11-14T22:13:21.000Z' });
  });

  it('has each event once and in order when requests and answers are lost', async () => {
    const { intake, actions } = primary();
    const clock = manualClock();
    const errors: unknown[] = [];
    let calls = 0;
    const worker = new HandedAudit({
      clock,
      onError: (error) => errors.push(error),
      async hand(batch) {
        calls++;
        if (calls % 3 === 1) throw new Error('the request is lost');
        await intake.take('w', batch);
        if (calls % 3 === 2) throw new Error('the answer is lost');
      },
    });
    const told = [];
    for (let at = 0; at < 30; at++) {
      worker.record(event(`${at}`));
      told.push(`${at}`);
      await turns();
      clock.advance(200);
    }
    for (let at = 0; at < 200; at++) {
      clock.advance(200);
      await turns(2);
    }
    expect(actions()).toEqual(told);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('says in the next line how many events a worker lost while too many waited', async () => {
    const { intake, lines } = primary();
    const clock = manualClock();
    let taken = () => {};
    const blocked = new Promise<void>((resolve) => (taken = resolve));
    const worker = new HandedAudit({
      clock,
      onError: () => {},
      async hand(batch) {
        await blocked;
        await intake.take('w', batch);
      },
    });
    for (let at = 0; at < 10_003; at++) worker.record(event('many'));
    taken();
    await worker.flush();
    worker.record(event('last'));
    await worker.flush();
    const dropped = lines().map((line) => (JSON.parse(line) as { dropped?: number }).dropped ?? 0);
    expect(lines()).toHaveLength(10_001);
    expect(dropped.reduce((sum, each) => sum + each, 0)).toBe(3);
  });

  it('does not keep a worker from closing when the primary does not answer', async () => {
    const clock = manualClock();
    const worker = new HandedAudit({ clock, onError: () => {}, hand: () => new Promise<AuditBatch>(() => {}) });
    worker.record(event('never'));
    await turns();
    const closed = worker.flush();
    clock.advance(3_000);
    await closed;
  });
});
