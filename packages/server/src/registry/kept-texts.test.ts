/** Rows keep their own texts, and not the bodies of the requests that the texts are pieces of. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { decideBatch } from './batch.ts';
import { findInstance } from './kind/catalog/find.ts';
import type { Command } from './kinds.ts';
import { State } from './state.ts';

const bodies = 200;
const bodyBytes = 100_000;

test('the state is far smaller than the bodies of the requests that made it', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const state = new State();
  const apply = (body: string) => {
    const { writes } = decideBatch(state, [command(body)], 1_700_000_000_000);
    state.apply({ revision: state.revision + 1, put: writes?.put ?? [], delete: [] }, writes);
  };
  apply(bodyOf(0));
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let number = 1; number <= bodies; number++) apply(bodyOf(number));
  collect();
  expect((process.memoryUsage().heapUsed - before) / (bodies * bodyBytes)).toBeLessThan(0.2);
  expect(state.size).toBeGreaterThan(2 * bodies);
});

test('parts of a command that its caller has frozen are kept as they are', () => {
  const state = new State();
  const instance = { id: 'i', service: 'web', meta: Object.freeze({ owner: 'a long name of an owner' }), tags: Object.freeze(['a long name of a tag']) };
  const { writes } = decideBatch(state, [{ kind: 'register', namespace: 'default', node: { name: 'n', address: '' }, nodeMode: 'update', instances: [instance] }], 0);
  state.apply({ revision: 1, put: writes?.put ?? [], delete: [] }, writes);
  expect(findInstance(state, 'default', 'n', 'i')).toMatchObject(instance);
});

/** Pieces of 20 characters, each different, in a long text. */
function bodyOf(number: number): string {
  const pieces = Array.from({ length: 12 }, (_, at) => `${number}-${at}-`.padEnd(20, 'x'));
  return Buffer.from(pieces.join('') + 'y'.repeat(bodyBytes)).toString('latin1');
}

/** Each field is a piece of the body, as a JSON reader makes it. */
function command(body: string): Command {
  const piece = (at: number) => body.slice(at * 20, (at + 1) * 20);
  const id = piece(1);
  return {
    kind: 'register',
    namespace: 'default',
    node: { name: piece(0), address: piece(2) },
    nodeMode: 'update',
    instances: [{ id, service: piece(3), address: piece(4), tags: [piece(5)], meta: { owner: piece(6) }, zone: piece(7), foreign: { consul: { Proxy: { Name: piece(8) } } } }],
    checks: [{ id: piece(9), instance: id, name: piece(10), notes: piece(11) }],
  };
}
