/** Which condition of a refused transaction failed, by what etcd has now. */

import { expect, test } from 'vitest';
import { Eras } from './eras.ts';
import { Keys } from './keys.ts';
import { failedOf, questionOf, requestOf } from './transaction.ts';
import { methods, type TxnResponse } from './wire.ts';

const keys = new Keys('rollcall');
const eras = Eras.first('1');
const transaction = {
  expect: [{ key: 'a', revision: 3 }, { key: 'b', revision: 0 }],
  guards: [{ under: 'tree/', notAfter: 7 }],
  put: [{ key: 'a', value: Buffer.from('1') }],
  delete: ['b'],
};

/** @param found the revisions that each condition finds; 0 for nothing */
function answer(...found: readonly number[]): TxnResponse {
  const responses = found.map((revision) => ({ response_range: { kvs: revision === 0 ? [] : [{ key: Buffer.from('k'), mod_revision: revision }] } }));
  return methods.txn.responseDeserialize(methods.txn.responseSerialize({ responses } as unknown as TxnResponse));
}

test('asks for each condition once, and only for its key', () => {
  const { success } = questionOf(keys, transaction, eras);
  expect(success).toEqual([
    { request_range: { key: keys.record('a'), keys_only: true } },
    { request_range: { key: keys.record('b'), keys_only: true } },
    { request_range: { key: keys.record('tree/'), range_end: Buffer.from('rollcall/log/record/tree0'), min_mod_revision: 8, limit: 1, keys_only: true } },
  ]);
});

test.each([
  ['an expectation', answer(5, 0, 0), { ok: false, key: 'a', revision: 5 }],
  ['a record that must not exist', answer(3, 6, 0), { ok: false, key: 'b', revision: 6 }],
  ['a guard', answer(3, 0, 9), { ok: false, key: 'tree/', revision: 0 }],
  ['nothing any more, so the transaction is sent again', answer(3, 0, 0), undefined],
])('finds %s', (_, found, failed) => {
  expect(failedOf(transaction, found, eras)).toEqual(failed);
});

test('a transaction carries no more for the case of its refusal than the reads of era and seq', () => {
  const { failure } = requestOf(keys, transaction, { name: 'n', known: { eras, written: 1, seq: 7 }, leap: undefined });
  expect(failure).toEqual([{ request_range: { key: keys.era } }, { request_range: { key: keys.seq } }]);
});
