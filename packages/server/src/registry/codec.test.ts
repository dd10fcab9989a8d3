import { isRegistryError } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import { interner } from './codec.ts';
import { decodeRow, encodeRow, keyOf, kinds, type Row } from './kinds.ts';

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

/** The forms in which the first records of format 2 were written: with everything that their keys say, and `modified` as 0. */
const firstForm: [row: Row, tail: string][] = [
  [{ kind: 'node', name: 'n1', id: '', address: '10.0.0.1', meta: {}, created: 3, modified: 9 }, ''],
  [{ kind: 'check', namespace: 'a', node: 'n1', id: 'c', name: 'c', status: 'passing', notes: '', output: '', instance: '', type: 'none', definition: {}, created: 9, modified: 9 }, ''],
  [{ kind: 'kv', namespace: 'default', key: 'k', value: Buffer.from('\n{'), flags: 7n, lockIndex: 0, created: 3, modified: 9 }, '\n\n{'],
  [{ kind: 'view', view: 'service\0default\0web', created: 3, modified: 9 }, ''],
  [{ kind: 'record', namespace: '', type: 't', id: 'i', value: { a: [1] }, created: 3, modified: 9 }, ''],
];

describe('row codec', () => {
  test.each(firstForm)('a record of the first form is read as one of today: %o', (row, tail) => {
    const fields = { ...row, created: row.created === 9 ? 0 : row.created, modified: 0 };
    const json = JSON.stringify(row.kind === 'kv' ? { ...fields, value: null, flags: String(row.flags) } : fields);
    expect(decodeRow(keyOf(row), Buffer.from(`\u0002\0${json}${tail}`), 9, interner())).toEqual(row);
  });

  test.each(Array.from(kinds.names()).filter((name) => kinds.get(name)?.keyFields !== undefined))('the key of a %s has the fields that its record lacks', (name) => {
    const kind = kinds.get(name);
    const fields = kind?.keyFields ?? [];
    const parts = fields.map((_, at) => `part ${at}`);
    const row = Object.fromEntries(fields.map((field, at) => [field, parts[at]]));
    expect(kind?.key({ ...row, kind: name, created: 0, modified: 0 })).toBe([name, ...parts].join('\0'));
  });

  test('a record repeats nothing from its key, and has no revision except that of an older creation', () => {
    const row: Row = { kind: 'instance', namespace: 'default', node: 'n', id: 'i', service: 'web', address: '', port: 1, tags: [], meta: {}, weight: 1, registeredMs: 5, created: 0, modified: 0 };
    const json = '{"service":"web","address":"","port":1,"tags":[],"meta":{},"weight":1,"registeredMs":5';
    expect(encodeRow(row).toString()).toBe(`\u0002\0${json}}`);
    expect(encodeRow({ ...row, created: 3, modified: 9 }).toString()).toBe(`\u0002\0${json},"created":3}`);
  });

  test('a key with too few parts is data loss', () => {
    const bytes = encodeRow({ kind: 'tombstone', namespace: 'default', key: 'a', created: 0, modified: 0 });
    expect(() => decodeRow('tombstone\0default', bytes, 1, interner())).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });

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
    for (const bytes of ['', '{', 'null x', '\xff', '\u0002\0', '\u0002\0{', '\u0002\0null', '\u0002\0[]']) {
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
