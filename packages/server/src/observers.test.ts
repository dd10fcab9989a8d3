/** The contract of `Registry.observe`, tested on the replica, its only implementation. For a restore: `replica.test.ts`. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memory } from './engine/memory/memory.ts';
import { manualClock } from './manual-clock.case.ts';
import { findKv } from './registry/kind/kv/find.ts';
import { keyView } from './registry/kind/kv/views.ts';
import type { Command, RowChange } from './registry/kinds.ts';
import type { Observer } from './registry/observer.ts';
import type { Registry } from './registry/registry.ts';
import { Replica } from './replica.ts';

const put = (key: string, value: string): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n });

let replica: Replica;
let registry: Registry;

beforeEach(async () => {
  replica = new Replica({ engine: memory(), clock: manualClock(), onFatal: (error) => expect.unreachable(error.message) });
  registry = replica;
  await replica.start();
});

afterEach(() => replica.close());

/** Calls `onChanges` for every transaction. */
const observing = (onChanges: (changes: readonly RowChange[], revision: number) => void): Observer => ({
  observe: onChanges,
  *replaced() {
    expect.unreachable('nothing is restored here');
    yield;
  },
});

describe('an observer of the registry', () => {
  test('sees the state with the change, before watchers are woken and the command is answered', async () => {
    const order: string[] = [];
    registry.observe(observing((_changes, revision) => order.push(`observed ${revision}, state at ${registry.state.revision}`)));
    registry.views.watch(keyView('default', 'a'), () => order.push('watcher woken'));
    await registry.submit(put('a', '1')).then(() => order.push('answered'));
    expect(order).toEqual(['observed 1, state at 1', 'watcher woken', 'answered']);
  });

  test('gets each changed row, with its old and new value', async () => {
    const told: unknown[] = [];
    registry.observe(
      observing((changes) => {
        for (const { before, after } of changes) told.push([before, after].map((row) => (row?.kind === 'kv' ? row.value.toString() : undefined)));
      }),
    );
    await registry.submit(put('a', '1'));
    await registry.submit(put('a', '2'));
    await registry.submit({ kind: 'kv-delete', namespace: 'default', key: 'a' });
    expect(told.filter((values) => Array.isArray(values) && values.some((value) => value !== undefined))).toEqual([
      [undefined, '1'],
      ['1', '2'],
      ['2', undefined],
    ]);
  });

  test('is called once for all commands of a transaction, and never for a command without changes', async () => {
    const revisions: number[] = [];
    registry.observe(observing((_changes, revision) => revisions.push(revision)));
    await Promise.all([registry.submit(put('a', '1')), registry.submit(put('b', '1'))]);
    expect(revisions).toEqual([1]);
    await registry.submit({ kind: 'kv-delete', namespace: 'default', key: 'missing' });
    await expect(registry.submit(put('x'.repeat(5_000), ''))).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(revisions).toEqual([1]);
  });

  test('gets only changes after it was added, and after the observers that were added before it', async () => {
    const order: string[] = [];
    registry.observe(observing((_changes, revision) => order.push(`first ${revision}`)));
    await registry.submit(put('a', '1'));
    registry.observe(observing((_changes, revision) => order.push(`second ${revision}`)));
    expect(findKv(registry.state, 'default', 'a')?.modified).toBe(1);
    await registry.submit(put('a', '2'));
    expect(order).toEqual(['first 1', 'first 2', 'second 2']);
  });

  test('gets nothing after it was stopped, even when it stopped itself', async () => {
    const told: number[] = [];
    const stop = registry.observe(
      observing((_changes, revision) => {
        told.push(revision);
        stop();
      }),
    );
    const stopLater = registry.observe(observing((_changes, revision) => told.push(10 * revision)));
    await registry.submit(put('a', '1'));
    stopLater();
    stopLater();
    await registry.submit(put('a', '2'));
    expect(told).toEqual([1, 10]);
  });
});
