/** A check that is registered again unchanged gets its full time again; nothing else about it changes. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { startLiveness, type Started } from './liveness.case.ts';

const ttl = { type: 'ttl', definition: { ttlMs: 10_000 } } as const;
/** The longest that an expiry may come after the deadline: hold, sweep and ticks. */
const slackMs = 1_200;

let started: Started;
beforeEach(async () => {
  started = await startLiveness();
  await started.register('web', ttl);
});
afterEach(() => started.close());

it('lasts a whole TTL from then on, with the status and the output that it had', async () => {
  const { beat, pass, row, liveness } = started;
  await beat('web', 'warning', 'so so');
  await pass(9_000);
  liveness.restart('default', 'node-web', 'check-web', 'owner');
  await pass(9_900);
  expect(row('web')).toMatchObject({ status: 'warning', output: 'so so' });
  await pass(100 + slackMs);
  expect(row('web')?.status).toBe('critical');
});

it('stays critical if it was critical', async () => {
  const { pass, row, liveness, submitted } = started;
  await pass(10_000 + slackMs);
  expect(row('web')?.status).toBe('critical');
  const before = submitted.length;
  liveness.restart('default', 'node-web', 'check-web', 'owner');
  await pass(10_000 + slackMs);
  expect(row('web')).toMatchObject({ status: 'critical', output: 'TTL expired' });
  expect(submitted.length).toBe(before);
});

it('ignores checks that do not exist or have no TTL', async () => {
  const { register, pass, status, liveness } = started;
  await register('still', { type: 'none' });
  liveness.restart('default', 'node-still', 'check-still', 'owner');
  liveness.restart('default', 'nowhere', 'nothing', 'owner');
  await pass(60_000);
  expect(status('still')).toBe('passing');
});

it('knows how long ago the last heartbeat was, until its time is over', async () => {
  const { register, beat, pass, liveness } = started;
  const agoMs = (name: string) => liveness.renewedMsAgo('default', `node-${name}`, `check-${name}`);
  await pass(4_000);
  await beat('web');
  expect(agoMs('web')).toBeLessThanOrEqual(10);
  await pass(3_000);
  expect(agoMs('web')).toBeGreaterThanOrEqual(2_990);
  expect(agoMs('web')).toBeLessThanOrEqual(3_010);
  liveness.restart('default', 'node-web', 'check-web', 'owner');
  expect(agoMs('web')).toBeLessThanOrEqual(10);
  await pass(10_000 + slackMs);
  expect(agoMs('web')).toBeUndefined();
  await register('still', { type: 'none' });
  expect(agoMs('still')).toBeUndefined();
});
