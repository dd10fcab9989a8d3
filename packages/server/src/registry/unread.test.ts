/** Records of a newer Rollcall: kept without being read where their flags allow it, refused by name where not. */

import { describe, expect, test } from 'vitest';
import { interner } from './codec.ts';
import { Journal } from './journal.case.ts';
import { instancesOnNode } from './kind/catalog/find.ts';
import { servicesOf } from './kind/catalog/service-index.ts';
import { serviceView } from './kind/catalog/views.ts';
import { decodeRow, encodeRow, type Row } from './kinds.ts';
import { momentOf } from './moment.ts';
import type { Change } from './row.ts';
import { State } from './state.ts';

/** @param format of the kind @param flags bit 0: may be kept unread */
const value = (format: number, flags: number): Uint8Array => Buffer.from([format, flags, 0xff, 0x00, 0x7b]);
const decode = (key: string, bytes: Uint8Array): Row => decodeRow(key, bytes, 7, interner());

describe('a record', () => {
  test.each([
    ['of an unknown kind', 'election\0default\0main', value(1, 1)],
    ['of a known kind in a newer format', 'instance\0default\0n1\0web', value(3, 1)],
  ])('%s that may stay unread is kept as it is', (_what, key, bytes) => {
    const row = decode(key, bytes);
    expect(row).toMatchObject({ kind: 'unread', key, modified: 7 });
    expect(Buffer.compare(encodeRow(row), bytes)).toBe(0);
  });

  test.each([
    ['election\0default\0main', value(1, 0), 'record "election\\u0000default\\u0000main" is of kind "election" in format 1; this Rollcall knows no such kind: use a newer one'],
    ['instance\0default\0n1\0web', value(3, 0), 'is of kind "instance" in format 3; this Rollcall reads format 2 of it: use a newer one'],
    ['instance\0default\0n1\0web', value(3, 2), 'use a newer one'],
  ])('%s that must be read stops the start', (key, bytes, message) => {
    expect(() => decode(key, bytes)).toThrow(expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining(message) as string }));
  });

  test.each([
    ['of an older format', 'node\0n1', value(1, 1)],
    ['of the format before namespaces', 'node\0n1', Buffer.from('{"kind":"node"}')],
    ['without a second byte', 'election\0main', Buffer.from([1])],
    ['without any', 'election\0main', Buffer.alloc(0)],
  ])('%s is never taken for a newer one', (_what, key, bytes) => {
    expect(() => decode(key, bytes)).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });
});

const unreadKey = 'instance\0default\0n1\0newer';
const unread: Change['put'][number] = { key: unreadKey, value: value(3, 1) };
const register = (id: string) =>
  ({
    kind: 'register',
    namespace: 'default',
    node: { name: 'n1', address: '' },
    nodeMode: 'ensure',
    instances: [{ id, service: 'web' }],
  }) as const;

function withUnread(): Journal {
  const journal = new Journal();
  journal.commit([register('web')]);
  journal.rewrite([unread]);
  return journal;
}

describe('a record that is kept unread', () => {
  test('is shown by no view, and counts as a record', () => {
    const { state } = withUnread();
    expect(state.get(unreadKey)).toBeUndefined();
    expect([...instancesOnNode(state, 'default', 'n1')].map(({ id }) => id)).toEqual(['web']);
    expect(servicesOf(state).instancesOf('default', 'web')).toBe(1);
    const frozen = state.freeze();
    expect(frozen.get(unreadKey)).toBeUndefined();
    frozen.close();
    expect(state.size).toBe([...state.rows()].length);
  });

  test('changes no view', () => {
    const { state } = withUnread();
    const applied = state.apply({ revision: 3, put: [{ ...unread, value: value(4, 1) }], delete: [] });
    expect([...applied.views]).toEqual([]);
    expect(state.viewRevision(serviceView('default', 'web'))).toBe(1);
  });

  test('is in every backup, byte for byte, also after the store was replaced as a whole', () => {
    const { state } = withUnread();
    const other: Change = { revision: 9, put: [{ key: 'floor', value: encodeRow({ kind: 'floor', revision: 9, created: 0, modified: 0 }) }], delete: [] };
    const steps = state.replacing(other);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    state.replace(step.value);
    const rows = momentOf(state);
    let moment = rows.next();
    while (moment.done !== true) moment = rows.next();
    const kept = moment.value.rows.find(([key]) => key === unreadKey)?.[1] as Row;
    expect(Buffer.compare(encodeRow(kept), unread.value)).toBe(0);
  });

  test('survives a restart', () => {
    const { state } = withUnread();
    const again = new State();
    for (const [key, row] of state.rows()) again.load({ key, value: encodeRow(row), revision: row.modified });
    Array.from(again.deriving());
    again.loaded(state.revision);
    expect([...again.rows()].map(([key]) => key).sort()).toEqual([...state.rows()].map(([key]) => key).sort());
    expect(again.isUnread(unreadKey)).toBe(true);
  });

  test('is never overwritten: only the command that would do so is refused', () => {
    const { outcomes } = withUnread().commit([register('newer'), register('other')]);
    expect(outcomes).toEqual([{ error: expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('newer Rollcall') as string }) as object }, { result: true }]);
  });

  test('is replaced by a row that can be read, and can replace one', () => {
    const { state } = withUnread();
    const row = state.get('instance\0default\0n1\0web') as Row;
    state.apply({ revision: 3, put: [{ key: unreadKey, value: encodeRow({ ...row, id: 'newer' } as Row) }], delete: [] });
    expect(state.isUnread(unreadKey)).toBe(false);
    expect(servicesOf(state).instancesOf('default', 'web')).toBe(2);
    state.apply({ revision: 4, put: [unread], delete: [] });
    expect(servicesOf(state).instancesOf('default', 'web')).toBe(1);
    state.apply({ revision: 5, put: [], delete: [unreadKey] });
    expect(state.isUnread(unreadKey)).toBe(false);
  });
});
