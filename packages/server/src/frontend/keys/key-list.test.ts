/** A list of many keys takes many slices, also as of a past time. */

import { describe, expect, test } from 'vitest';
import { Pace } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { decideBatch } from '../../registry/batch.ts';
import { findKv } from '../../registry/kind/kv/find.ts';
import type { Command, Row } from '../../registry/kinds.ts';
import { State } from '../../registry/state.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';
import { keyCount, keyList } from './key-list.ts';

const keys = 20_000;
const perSliceMax = 5_500;
const question = { namespace: 'default', prefix: 'k', separator: '', after: '', limit: 1_000 };

function putAll(state: State, value: string): void {
  const commands = Array.from({ length: keys }, (_, n): Command => ({ kind: 'kv-put', namespace: 'default', key: `k${n}`, value: Buffer.from(value), flags: 0n }));
  for (let at = 0; at < keys; ) {
    const { decided, writes } = decideBatch(state, commands.slice(at, at + 1_000), 0);
    if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete }, writes);
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
  const pieces = frozen.orderedPieces.bind(frozen);
  frozen.orderedPieces = function* counted(...args) {
    for (const piece of pieces(...args)) {
      taken += piece.length;
      yield piece;
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
  // A page needs no keys behind it.
  expect(takeCount() <= 1_536).toBe(make === keyList);
  expect(Math.max(...slices)).toBeLessThanOrEqual(perSliceMax);
  expect(Buffer.from(findKv(frozen, 'default', 'k7')?.value ?? []).toString()).toBe('x');
});

describe('pages', () => {
  const names = ['a', 'b', 'b/x', 'z', ...Array.from({ length: 1_500 }, (_, n) => `a/${n % 3}/${n}`), ...Array.from({ length: 40 }, (_, n) => `b/${n}/y`), 'b/5', 'c//d'].sort();
  const state = new State();
  const commands = names.map((key): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from('x'), flags: 0n }));
  for (let at = 0; at < commands.length; ) {
    const { decided, writes } = decideBatch(state, commands.slice(at, at + 1_000), 0);
    if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete }, writes);
    at += decided;
  }
  const even: Authorizer = { ...unrestricted, allows: (_namespace, _resource, _verb, name = '') => !/[13579]$/.test(name) };

  interface Answer {
    readonly entries: readonly { readonly folder?: string; readonly key?: string }[];
    readonly next?: string;
  }

  function pageOf(authorizer: Authorizer, prefix: string, separator: string, after: string, limit: number): Answer {
    const frozen = state.freeze();
    const pace = new Pace();
    const work = keyList(frozen, authorizer, { namespace: 'default', prefix, separator, after, limit }, pace);
    for (;;) {
      pace.renew();
      const { done, value } = work.next();
      if (done !== true) continue;
      frozen.close();
      return JSON.parse(Buffer.concat(value.buffers).toString()) as Answer;
    }
  }

  test.each([
    ['', '', 7], ['', '/', 1], ['', '/', 2], ['', '/', 1_000], ['a/', '/', 1], ['a/', '/', 1_000], ['a/', '', 1_000], ['b/', '/', 3], ['a/2', '/', 5], ['none', '/', 5], ['c/', '/', 5],
  ])('together have every entry once: prefix %j, separator %j, %i entries each', (prefix, separator, limit) => {
    for (const authorizer of [unrestricted, even]) {
      const expected = new Set<string>();
      for (const key of names.filter((name) => name.startsWith(prefix) && authorizer.allows('default', 'key', 'read', name))) {
        const cut = separator === '' ? -1 : key.indexOf(separator, prefix.length);
        expected.add(cut < 0 ? key : `folder ${key.slice(0, cut + 1)}`);
      }
      const found: string[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const { entries, next }: Answer = pageOf(authorizer, prefix, separator, after, limit);
        expect(entries.length).toBeLessThanOrEqual(limit);
        found.push(...entries.map(({ folder, key = '' }) => (folder === undefined ? key : `folder ${folder}`)));
        after = next;
      }
      expect(found).toEqual([...expected]);
    }
  });
});
