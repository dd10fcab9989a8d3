/** A list of many keys takes many slices, also as of a past time. */

import { expect, test } from 'vitest';
import { Pace } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { decideBatch } from '../../registry/batch.ts';
import { findKv } from '../../registry/kind/kv/find.ts';
import type { Command, Row } from '../../registry/kinds.ts';
import { State } from '../../registry/state.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { keyCount, keyList } from './key-list.ts';

const keys = 20_000;
const perSliceMax = 5_500;
const question = { namespace: 'default', prefix: 'k', separator: '', after: '', limit: 1_000 };

function putAll(state: State, value: string): void {
  const commands = Array.from({ length: keys }, (_, n): Command => ({ kind: 'kv-put', namespace: 'default', key: `k${n}`, value: Buffer.from(value), flags: 0n }));
  for (let at = 0; at < keys; ) {
    const { decided, writes } = decideBatch(state, commands.slice(at, at + 1_000), 0);
    if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete }, new Map(writes.put.map(({ value: bytes, row }) => [bytes, row])));
    at += decided;
  }
}

/** A state whose rows have all changed since, and how many of its keys were taken in each slice. */
function past() {
  const state = new State();
  putAll(state, 'x');
  const before = [...state.rows()];
  putAll(state, 'y');
  const frozen: Frozen<Row> = state.freeze();
  for (const [key, row] of before) frozen.noteEarlier(key, row);
  frozen.goBack(Math.max(...before.map(([, row]) => row.modified)));
  let taken = 0;
  const ordered = frozen.ordered.bind(frozen);
  frozen.ordered = function* counted(...args) {
    for (const key of ordered(...args)) {
      taken++;
      yield key;
    }
  };
  return { frozen, takeCount: () => taken };
}

test.each([
  ['list', keyList],
  ['count', keyCount],
] as const)('a %s of keys of the past looks at a bounded number of them in a slice', (_, make) => {
  const { frozen, takeCount } = past();
  const pace = new Pace();
  const work = make(frozen, unrestricted, question, pace);
  const slices: number[] = [];
  for (let done: boolean | undefined; done !== true; ) {
    pace.renew();
    const before = takeCount();
    done = work.next().done;
    slices.push(takeCount() - before);
  }
  expect(takeCount()).toBe(keys);
  expect(Math.max(...slices)).toBeLessThanOrEqual(perSliceMax);
  expect(Buffer.from(findKv(frozen, 'default', 'k7')?.value ?? []).toString()).toBe('x');
});
