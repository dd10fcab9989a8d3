import { isRegistryError } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { decideBatch } from './batch.ts';
import { Journal } from './journal.case.ts';
import { keyBytesMax } from './key-form.ts';
import { findCheck } from './kind/catalog/find.ts';
import type { Command } from './kinds.ts';
import { State } from './state.ts';

const put = (key: string): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.of(1), flags: 0n });

test('a key that no engine takes fails its own command, and not the batch', () => {
  const keys = ['before', '\ud800', 'a\udc00b', 'x'.repeat(keyBytesMax + 1), 'after'];
  const { outcomesAt, writes } = decideBatch(new State(), keys.map(put), 0);
  const refused = outcomesAt(1).map((outcome) => 'error' in outcome && isRegistryError(outcome.error, 'invalid_argument'));
  expect(refused).toEqual([false, true, true, true, false]);
  expect(writes?.put.map(({ key }) => key)).toEqual(['kv\0default\0before', 'kv\0default\0after']);
});

test('a check that is removed with the old name of a node leaves its id free for the same registration', () => {
  const journal = new Journal();
  const id = '3f0c2b1a-0000-4000-8000-000000000001';
  const node = (name: string, nodeId?: string) => ({ name, address: '10.0.0.1', ...(nodeId === undefined ? {} : { id: nodeId }) });
  const session = { kind: 'session-create', namespace: 'default', id: 's', name: '', node: 'old', liveness: 'stream', ttlMs: 0 } as const;
  const register = { kind: 'register', namespace: 'default', nodeMode: 'update' } as const;
  journal.commit([{ ...register, node: node('old', id) }, { ...register, node: node('new') }]);
  journal.commit([{ ...session, lockDelayMs: 0, behavior: 'release', checks: [] }]);
  const instance = { id: 'i', service: 'web', session: 's' };
  journal.commit([{ ...register, node: node('new'), instances: [instance], checks: [{ id: 'c', name: 'c', instance: 'i' }] }]);

  const { outcomes } = journal.commit([{ ...register, node: node('new', id), checks: [{ id: 'c', name: 'c' }] }]);
  expect(outcomes).toEqual([{ result: true }]);
  expect(findCheck(journal.state, 'default', 'new', 'c')?.instance).toBe('');
});
