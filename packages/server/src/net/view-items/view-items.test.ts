/** The keys of a watched prefix are read in pieces, also when all of them have changed since. */

import { expect, test } from 'vitest';
import { Journal } from '../../registry/journal.case.ts';
import { keysPerPiece } from '../../registry/frozen.ts';
import type { Command } from '../../registry/kinds.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { ViewItems } from './view-items.ts';

const count = 5_000;

function putAll(journal: Journal, value: string): void {
  const commands = Array.from({ length: count }, (_, n): Command => ({ kind: 'kv-put', namespace: 'default', key: `k${n}`, value: Buffer.from(value), flags: 0n }));
  for (let at = 0; at < count; at += 1_000) journal.commit(commands.slice(at, at + 1_000));
}

test.each([false, true])('a step takes a bounded number of keys; changed since: %s', (changes) => {
  const journal = new Journal();
  putAll(journal, 'x');
  const frozen = journal.state.freeze();
  if (changes) putAll(journal, 'y');
  let taken = 0;
  const get = frozen.orderedPieces.bind(frozen);
  frozen.orderedPieces = function* counted(...args) {
    for (const piece of get(...args)) {
      taken += piece.length;
      yield piece;
    }
  };
  const names: string[] = [];
  let before = 0;
  for (const found of new ViewItems({ kind: 'prefix', name: 'k' }, unrestricted).all(frozen, new Map())) {
    expect(taken - before).toBeLessThanOrEqual(keysPerPiece);
    before = taken;
    if (typeof found === 'object') names.push(found[0]);
  }
  expect(names).toEqual(Array.from({ length: count }, (_, n) => `k${n}`).sort());
  expect(taken).toBe(count);
  frozen.close();
});
