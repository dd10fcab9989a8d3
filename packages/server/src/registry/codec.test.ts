import { describe, expect, test } from 'vitest';
import { isRegistryError } from '@rollcall/protocol';
import { interner } from './codec.ts';
import { decodeRow, encodeRow, keyOf, type Row } from './kinds.ts';

const rows: Row[] = [
  { kind: 'node', name: 'n1', id: '', address: '10.0.0.1', meta: { rack: 'é\u0001' }, created: 3, modified: 9 },
  {
    kind: 'instance',
    namespace: 'default',
    node: 'n1',
    id: 'web/1#a',
    service: 'web',
    address: '',
    port: 80,
    tags: ['a', 'b'],
    meta: { __proto__x: '1' },
    weight: 1,
    registeredMs: 1_700_000_000_000,
    foreign: { consul: { Kind: 'x' } },
    created: 3,
    modified: 9,
  },
  {
    kind: 'kv',
    namespace: 'default',
    key: 'a\nb',
    value: Buffer.from([0, 10, 255, 123]),
    flags: 18_446_744_073_709_551_615n,
    lockIndex: 2,
    session: 's1',
    created: 3,
    modified: 9,
  },
  { kind: 'tombstone', namespace: 'default', key: 'a', created: 9, modified: 9 },
  { kind: 'floor', revision: 7, created: 3, modified: 9 },
];

describe('row codec', () => {
  for (const row of rows) {
    test(`a ${row.kind} survives the round trip, its revision taken from the record`, () => {
      expect(decodeRow(keyOf(row), encodeRow(row), 9, interner())).toEqual(row);
    });
  }

  test('created 0 means the record’s own revision', () => {
    const bytes = encodeRow({ kind: 'tombstone', namespace: 'default', key: 'a', created: 0, modified: 0 });
    expect(decodeRow('tombstone\0default\0a', bytes, 12, interner())).toMatchObject({ created: 12, modified: 12 });
  });

  test('bytes that are no row are data loss, not a crash', () => {
    for (const bytes of ['', '{', 'null x', '\xff']) {
      const broken = () => decodeRow('node\0n1', Buffer.from(bytes), 1, interner());
      expect(broken).toThrow(expect.objectContaining({ code: 'data_loss' }));
    }
    try {
      decodeRow('kv\0default\0k', Buffer.from('no head'), 1, interner());
      expect.unreachable();
    } catch (error) {
      expect(isRegistryError(error, 'data_loss')).toBe(true);
    }
  });
});
