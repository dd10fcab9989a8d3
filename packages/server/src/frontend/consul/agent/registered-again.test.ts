/** A client that registers the same again, instead of sending a heartbeat, is alive: as with Consul 1.16. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { manualClock } from '../../../manual-clock.case.ts';
import { Consul } from '../consul.case.ts';

const clock = manualClock();
let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start({ clock });
});
afterEach(() => consul[Symbol.asyncDispose]());

/** As for a process with nothing else to do: in small steps, each followed by turns of the event loop. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(100);
    for (let turn = 0; turn < 8; turn++) await new Promise((next) => setImmediate(next));
  }
}

test.each([
  ['a service', '/v1/agent/service/register', { Name: 'web', Check: { CheckID: 'c', TTL: '10s', Status: 'passing' } }],
  ['a check', '/v1/agent/check/register', { Name: 'c', ID: 'c', TTL: '10s', Status: 'passing' }],
])('%s', async (_what, path, body) => {
  const status = async () => (await consul.get('/v1/agent/checks')).json<Record<string, { Status: string }>>()['c']?.Status;
  await consul.put(path, body);
  await pass(9_000);
  expect((await consul.put(path, body)).status).toBe(200);
  await pass(9_500);
  expect(await status()).toBe('passing');
  await pass(2_000);
  expect(await status()).toBe('critical');
  // Registering again does not extend a time that has ended.
  await consul.put(path, body);
  expect(await status()).toBe('critical');
});
