/** A state that is replaced as a whole, as by a restore: leases follow it in steps. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeRow, keyOf, type Row } from '../registry/kinds.ts';
import { startLiveness, type Started } from './liveness.case.ts';

const ttl = { type: 'ttl', definition: { ttlMs: 10_000 } } as const;
const slackMs = 1_200;

let started: Started;
beforeEach(async () => {
  started = await startLiveness();
  await started.register('web', ttl);
});
afterEach(() => started.close());

it('no check expires until the whole replacement is followed', async () => {
  const { liveness, pass, row, submitted } = started;
  const steps = liveness.replaced([{ key: 'kv\0a', before: undefined, after: undefined }]);
  steps.next();
  await pass(10_000 + 5 * slackMs);
  expect(row('web')?.status).toBe('passing');
  expect(submitted).toEqual([]);
  while (steps.next().done !== true);
  await pass(2 * slackMs);
  expect(row('web')?.status).toBe('critical');
});

it('checks that a large restore adds expire in time, and those that it removes are dropped', async () => {
  const { replica, register, beat, pass, row, liveness } = started;
  await register('gone', ttl);
  const kept = Array.from(replica.state.rows(), ([, each]) => each).filter((each) => !keyOf(each).includes('gone'));
  const from = (each: Row): Row => JSON.parse(JSON.stringify(each).replaceAll('web', 'new')) as Row;
  const keys = Array.from({ length: 9_000 }, (_, n): Row => ({ kind: 'kv', namespace: 'default', key: `k${n}`, value: Buffer.from('x'), flags: 0n, lockIndex: 0, created: 0, modified: 0 }));
  const rows = [...kept, ...kept.map(from), ...keys];
  const wanted = new Map(rows.map((each) => [keyOf(each), encodeRow(each)]));
  await pass(9_000);
  await replica.replace(function* make(state) {
    yield;
    return {
      ...{ expect: [], put: Array.from(wanted, ([key, value]) => ({ key, value })), revisionAtLeast: 100 },
      delete: [...state.rows()].flatMap(([key]) => (wanted.has(key) ? [] : [key])),
    };
  });
  expect(liveness.beat('default', 'node-gone', 'check-gone', 'passing', '', 'owner')).toBe(false);
  await beat('web', 'passing');
  await pass(9_900);
  expect([row('web')?.status, row('new')?.status]).toEqual(['passing', 'passing']);
  await pass(100 + slackMs);
  expect([row('web')?.status, row('new')?.status]).toEqual(['critical', 'critical']);
});
