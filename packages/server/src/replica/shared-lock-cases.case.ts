/** The rules of locks that must hold when replicas on one engine write at the same time, and one of them decides on a state that lags. */

import { expect } from 'vitest';
import { findContender, holdersOf } from '../registry/kind/lock/find.ts';
import { holds, tokenOf } from '../registry/kind/lock/rows.ts';
import type { State } from '../registry/state.ts';
import { all, lag, late, type SharedCase } from './shared-world.case.ts';
import { say } from './shared-commands.case.ts';

const holders = (state: State) => Array.from(holdersOf(state, 'default', 'l'), ({ id }) => id);
const sessions = [say.session('s', ''), say.session('t', '')];

export const lockCases: readonly SharedCase[] = [
  {
    name: 'a named lock has one holder',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, ...sessions);
      await lag(world);
      expect(await a.replica.submit(say.lock('l', 's'))).toBe('holds');
      expect(await late(b, say.lock('l', 't'))).toBe('waits');
      await settle();
      expect(holders(a.replica.state)).toEqual(['s']);
    },
  },
  {
    name: 'a release gives a named lock to a contender that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, ...sessions, say.lock('l', 's'));
      await lag(world);
      expect(await a.replica.submit(say.lock('l', 't'))).toBe('waits');
      expect(await late(b, say.unlock('l', 's'))).toBe(true);
      await settle();
      expect(holders(a.replica.state)).toEqual(['t']);
    },
  },
  {
    name: 'a contender gets a named lock that was released meanwhile',
    async run(world) {
      const { a, b } = world;
      await all(a, ...sessions, say.lock('l', 's'));
      await lag(world);
      await all(a, say.unlock('l', 's'));
      expect(await late(b, say.lock('l', 't'))).toBe('holds');
    },
  },
  {
    name: 'a session that ends gives its named lock to a contender that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, ...sessions, say.lock('l', 's'));
      await lag(world);
      await all(a, say.lock('l', 't'));
      await late(b, say.destroy('s'));
      await settle();
      expect(holders(a.replica.state)).toEqual(['t']);
    },
  },
  {
    name: 'a named lock is not given to a session that ended meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, ...sessions, say.lock('l', 's'), say.lock('l', 't'));
      await lag(world);
      await all(a, say.destroy('t'));
      await late(b, say.unlock('l', 's'));
      await settle();
      expect(holders(a.replica.state)).toEqual([]);
    },
  },
  {
    name: 'a named lock that came and went meanwhile is taken with a higher token',
    async run(world) {
      const { a, b } = world;
      const token = (state: State, id: string) => {
        const row = findContender(state, 'default', 'l', id);
        return holds(row) ? tokenOf(row) : 0n;
      };
      await all(a, ...sessions);
      await lag(world);
      await all(a, say.lock('l', 's'));
      const first = token(a.replica.state, 's');
      await all(a, say.unlock('l', 's'));
      expect(await late(b, say.lock('l', 't'))).toBe('holds');
      expect(first).toBeGreaterThan(0n);
      expect(token(b.replica.state, 't')).toBeGreaterThan(first);
    },
  },
];
