/** Nothing is committed after the record that closes a store, and the limits leave room for the condition. */

import { RegistryError } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { bytes, content } from './calls.case.ts';
import { fenced } from './fenced.ts';
import { etcdLimits, limited } from './limited.case.ts';
import { memory } from './memory/memory.ts';

const closed = () => new RegistryError('failed_precondition', 'closed');
const put = (key: string) => ({ expect: [], put: [{ key, value: bytes('1') }], delete: [] });

test('a commit after the record is refused, also one with further conditions that fail, and writes nothing', async () => {
  const store = limited(memory());
  const engine = fenced(store, 'end', closed);
  expect(await engine.commit(put('a'))).toMatchObject({ ok: true });
  await store.commit(put('end'));
  await expect(engine.commit(put('b'))).rejects.toMatchObject({ code: 'failed_precondition' });
  await expect(engine.commit({ ...put('b'), expect: [{ key: 'a', revision: 0 }] })).rejects.toMatchObject({ code: 'failed_precondition' });
  expect(Object.keys(await content(store))).toEqual(['a', 'end']);
});

test('a transaction of the largest size is accepted', async () => {
  const store = limited(memory());
  const engine = fenced(store, 'end', closed);
  expect(engine.limits).toEqual({ ...etcdLimits, operations: etcdLimits.operations - 1 });
  const keys = Array.from({ length: engine.limits.operations }, (_, at) => `k${at}`);
  const full = { expect: keys.map((key) => ({ key, revision: 0 })), put: keys.map((key) => ({ key, value: bytes('1') })), delete: [] };
  expect(await engine.commit(full)).toMatchObject({ ok: true });
});

test('another failed condition is reported as it is', async () => {
  const engine = fenced(limited(memory()), 'end', closed);
  expect(await engine.commit({ ...put('a'), expect: [{ key: 'a', revision: 5 }] })).toEqual({ ok: false, key: 'a', revision: 0 });
});

test('an engine that one process uses stays as it is', () => {
  const engine = memory();
  expect(fenced(engine, 'end', closed)).toBe(engine);
});
