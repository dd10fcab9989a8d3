import { isRegistryError } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { decideBatch } from './batch.ts';
import type { Command } from './command.ts';
import { keyBytesMax } from './key-form.ts';
import { State } from './state.ts';

const put = (key: string): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.of(1), flags: 0n });

test('a key that no engine takes fails its own command, and not the batch', () => {
  const keys = ['before', '\ud800', 'a\udc00b', 'x'.repeat(keyBytesMax + 1), 'after'];
  const { outcomesAt, writes } = decideBatch(new State(), keys.map(put), 0);
  const refused = outcomesAt(1).map((outcome) => 'error' in outcome && isRegistryError(outcome.error, 'invalid_argument'));
  expect(refused).toEqual([false, true, true, true, false]);
  expect(writes?.put.map(({ key }) => key)).toEqual(['kv\0default\0before', 'kv\0default\0after']);
});
