/** While a restore replaces the whole state, rights and rows come from the same state in every turn of the event loop. */

import { isRegistryError } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import type { Transaction } from '../engine/engine.ts';
import { findKv } from '../registry/kind/kv/find.ts';
import { encodeRow, keyOf, type Row } from '../registry/kinds.ts';
import { secured } from './security.case.ts';

it('tokens, policies and keys of a large restore become visible in the same turn', async () => {
  const opened = await secured();
  const { acl, admin, replica } = opened;
  const { id } = await admin.putPolicy('default', { name: 'reads', rules: 'key_prefix "" { policy = "read" }' });
  const kept = await admin.createToken('default', { policies: [{ id }] });
  const lost = await admin.createToken('default', { policies: [{ id }] });
  const before: Row[] = Array.from(replica.state.rows(), ([, row]) => row);
  // Rows that only the old state has, and rows that only the backup has.
  await admin.deleteToken('default', lost.token.accessorId);
  await admin.putPolicy('default', { id, name: 'reads', rules: 'key_prefix "" { policy = "write" }' });
  const later = await admin.createToken('default', { policies: [{ id }] });
  const key = (n: number): Row => ({ kind: 'kv', namespace: 'default', key: `k${n}`, value: Buffer.from('x'), flags: 0n, lockIndex: 0, created: 0, modified: 0 });
  const rows = [...before, ...Array.from({ length: 9_000 }, (_, n) => key(n))];

  const rights = (secret: string) => {
    const caller = acl.find(secret);
    return caller === undefined ? 'none' : ['write', 'read'].find((verb) => caller.authorizer.allows('default', 'key', verb as 'read', 'a'));
  };
  const seen = new Set<string>();
  const look = () => seen.add([findKv(replica.state, 'default', 'k1')?.key, rights(kept.secret), rights(lost.secret), rights(later.secret)].join(' '));
  const told: string[] = [];
  for (const [name, { secret }] of [['kept', kept], ['later', later]] as const) {
    const caller = acl.resolve(secret);
    acl.onChange(caller, () => {
      try {
        told.push(`${name}: ${acl.refresh(caller).authorizer.allows('default', 'key', 'write', 'a') ? 'write' : 'read'}`);
      } catch (error) {
        if (isRegistryError(error, 'unauthenticated')) told.push(`${name}: gone`);
      }
    });
  }
  look();
  let pending = setImmediate(function turn() {
    look();
    pending = setImmediate(turn);
  });
  await replica.replace(function* make(state): Generator<void, Transaction, undefined> {
    const records = rows.map((row) => ({ key: keyOf(row), value: encodeRow(row) }));
    const wanted = new Set(records.map((record) => record.key));
    yield;
    return { expect: [], put: records, delete: [...state.rows()].flatMap(([each]) => (wanted.has(each) ? [] : [each])), revisionAtLeast: 10_000 };
  });
  clearImmediate(pending);
  look();
  expect([...seen]).toEqual([' write none write', 'k1 read read none']);
  expect(told).toEqual(['kept: read', 'later: gone']);
  await opened.close();
});
