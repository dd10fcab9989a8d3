/** The lock index of a key is a fencing token: it rises with each lock. */

import { describe, expect, it } from 'vitest';
import { decideBatch } from '../../batch.ts';
import type { Command } from '../../kinds.ts';
import type { AnyRow } from '../../row.ts';
import { restoreCommand } from '../../restore.ts';
import { State } from '../../state.ts';
import { findKv } from './find.ts';

/** A state that decides and applies commands, one after the other. */
function stateAt(revision: number, base: number) {
  const state = new State();
  state.loaded(revision, base);
  return {
    run(command: Command): void {
      for (let next: Command | undefined = command; next !== undefined; ) {
        const { writes, outcomesAt } = decideBatch(state, [next], 0);
        if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete }, writes);
        const outcome = outcomesAt(state.revision)[0] as { error?: Error; next?: Command } | undefined;
        if (outcome?.error !== undefined) throw outcome.error;
        next = outcome?.next;
      }
    },
    get rows() {
      return Array.from(state.rows(), ([, row]) => row);
    },
    restore(rows: readonly AnyRow[]): void {
      this.run(restoreCommand(state.kinds, rows, this.rows, state.revision));
    },
    get lockIndex() {
      return findKv(state, 'default', 'lock')?.lockIndex;
    },
  };
}

type Running = ReturnType<typeof stateAt>;

function lockedTwice(revision: number, base: number): (number | undefined)[] {
  const state = stateAt(revision, base);
  prepare(state);
  return [locked(state, 'one'), locked(state, 'two')];
}

function prepare(state: Running): void {
  state.run({ kind: 'register', namespace: 'default', nodeMode: 'ensure', node: { name: 'n', address: '10.0.0.1' } });
}

const put = { kind: 'kv-put', namespace: 'default', key: 'lock', value: Buffer.from(''), flags: 0n } as const;

/** @returns the lock index of the key while the session holds it */
function locked(state: Running, session: string): number | undefined {
  acquire(state, session);
  const { lockIndex } = state;
  release(state, session);
  return lockIndex;
}

function acquire(state: Running, session: string): void {
  state.run({ kind: 'session-create', namespace: 'default', id: session, name: '', node: 'n', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] });
  state.run({ ...put, condition: { kind: 'acquire', session } });
}

function release(state: Running, session: string): void {
  state.run({ ...put, condition: { kind: 'release', session } });
}

describe('the lock index', () => {
  it('counts the locks of a key', () => {
    expect(lockedTwice(0, 0)).toEqual([1, 2]);
  });

  it('is above every one that was given before the store went back to a backup', () => {
    expect(lockedTwice(120, 100)).toEqual([100, 101]);
  });

  it('is above every one that was given before a backup was restored', () => {
    const state = stateAt(0, 0);
    prepare(state);
    locked(state, 'one');
    const backup = state.rows;
    const given = ['two', 'three', 'four'].map((session) => locked(state, session) ?? 0);
    state.restore(backup);
    const next = locked(state, 'five') ?? 0;
    expect(next).toBeGreaterThan(Math.max(...given));
    expect(locked(state, 'six')).toBe(next + 1);
  });

  it.each<[string, Command]>([
    ['is released', { ...put, condition: { kind: 'release', session: 'one' } }],
    ['is written by its holder', { ...put, condition: { kind: 'acquire', session: 'one' } }],
    ['is written without a condition', put],
    ['loses its session', { kind: 'session-destroy', namespace: 'default', id: 'one' }],
  ])('is no lower than every one that was given, when a lock of the backup %s', (_, command) => {
    const state = stateAt(0, 0);
    prepare(state);
    acquire(state, 'one');
    const backup = state.rows;
    release(state, 'one');
    const given = ['two', 'three', 'four'].map((session) => locked(state, session) ?? 0);
    state.restore(backup);
    state.run(command);
    expect(state.lockIndex).toBeGreaterThanOrEqual(Math.max(...given));
  });
});
