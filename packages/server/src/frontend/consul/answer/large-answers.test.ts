/** Large answers over real sockets: encoded once, sent whole, and given up when no client is left. */

import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Consul } from '../consul.case.ts';

const keys = 20_000;

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
  const { registry } = consul.server;
  for (let at = 0; at < keys; at += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, n) => `app/${at + n}`);
    await Promise.all(some.map((key) => registry.submit({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(key), flags: 0n })));
  }
});
afterAll(() => consul[Symbol.asyncDispose]());

/** Another revision, so that nothing is kept. */
const change = () => consul.put('/v1/kv/app/0', String(Math.random()));

test('clients that ask for the same list at the same time share the bytes of one encoding', async () => {
  await change();
  const freeze = vi.spyOn(consul.server.registry.state, 'freeze');
  const answers = await Promise.all(Array.from({ length: 5 }, () => consul.get('/v1/kv/?recurse')));
  expect(freeze).toHaveBeenCalledTimes(1);
  freeze.mockRestore();
  for (const { status, bytes, headers } of answers) {
    expect([status, headers['content-length']]).toEqual([200, String(bytes.length)]);
    expect(bytes.equals(answers[0]?.bytes as Buffer)).toBe(true);
  }
  expect(answers[0]?.json<unknown[]>()).toHaveLength(keys);
});

test('a large answer is the same when it is compressed', async () => {
  await change();
  const zipped = await consul.get('/v1/kv/?recurse', { headers: { 'accept-encoding': 'gzip' } });
  expect(zipped.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(zipped.bytes).equals((await consul.get('/v1/kv/?recurse')).bytes)).toBe(true);
});

test('an encoding stops when no client waits for it any more', async () => {
  await change();
  const { state } = consul.server.registry;
  const begun = vi.spyOn(state, 'freeze');
  const abort = new AbortController();
  const asked = consul.get('/v1/kv/?recurse&pretty', { signal: abort.signal }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(begun).toHaveBeenCalledTimes(1), { interval: 1, timeout: 20_000 });
  const frozen = begun.mock.results[0]?.value as ReturnType<typeof state.freeze>;
  const closed = vi.spyOn(frozen, 'close');
  const kept = vi.spyOn(frozen, 'get');
  abort.abort();
  await asked;
  await vi.waitFor(() => expect(closed).toHaveBeenCalled(), { interval: 1, timeout: 20_000 });
  const read = kept.mock.calls.length;
  expect(read).toBeLessThan(keys);
  await consul.get('/v1/kv/app/1');
  expect(kept.mock.calls.length).toBe(read);
  begun.mockRestore();
});
