/** The rules of znodes that must hold when replicas on one engine write at the same time, and one of them decides on a state that lags. */

import { expect } from 'vitest';
import { findInstance } from '../registry/kind/catalog/find.ts';
import { childNames, findZnode, statOf } from '../registry/kind/znode/find.ts';
import { close, create, ephemeral, open, remove, set } from '../registry/kind/znode/znode.case.ts';
import type { State } from '../registry/state.ts';
import { all, lag, late, type SharedCase } from './shared-world.case.ts';

const names = (state: State, path: string) => [...childNames(state, 'default', path)].sort();
const sequential = create('/q/n', { sequential: true });
const instance = ephemeral('/services/web/i', 's1', { bases: { curator: '/services' }, data: Buffer.from('{"name":"web","id":"i","address":"10.0.0.1","port":80}') });
const deregister = { kind: 'deregister-instance', namespace: 'default', node: '', id: '/services/web/i' } as const;

export const znodeCases: readonly SharedCase[] = [
  {
    name: 'a znode is created once',
    async run(world) {
      const { a, b } = world;
      await all(a, open('s1'));
      await lag(world);
      await all(a, create('/x'));
      await expect(late(b, create('/x'))).rejects.toMatchObject({ reason: 'node-exists' });
    },
  },
  {
    name: 'sequential znodes of two nodes have different names',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, open('s1'), create('/q'));
      await lag(world);
      await all(a, sequential);
      await late(b, sequential);
      await settle();
      expect([names(a.replica.state, '/q'), statOf(b.replica.state, 'default', '/q')]).toMatchObject([['n0000000000', 'n0000000001'], { cversion: 2, numChildren: 2 }]);
    },
  },
  {
    name: 'a znode is not deleted while a child comes',
    async run(world) {
      const { a, b } = world;
      await all(a, open('s1'), create('/p'));
      await lag(world);
      await all(a, create('/p/c'));
      await expect(late(b, remove('/p'))).rejects.toMatchObject({ reason: 'not-empty' });
    },
  },
  {
    name: 'a child is not created under a znode that is deleted meanwhile',
    async run(world) {
      const { a, b } = world;
      await all(a, open('s1'), create('/p'), create('/p/first'), remove('/p/first'));
      await lag(world);
      await all(a, remove('/p'));
      await expect(late(b, create('/p/c'))).rejects.toMatchObject({ reason: 'no-node' });
    },
  },
  {
    name: 'a znode is set at the version that it has',
    async run(world) {
      const { a, b } = world;
      await all(a, open('s1'), create('/x'));
      await lag(world);
      await all(a, set('/x', 'a', 0));
      await expect(late(b, set('/x', 'b', 0))).rejects.toMatchObject({ reason: 'bad-version' });
    },
  },
  {
    name: 'a session that ends leaves no znode that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, open('s1'), create('/p'), create('/q'), ephemeral('/p/e'));
      await lag(world);
      await all(a, ephemeral('/q/late'));
      await late(b, close('s1'));
      await settle();
      expect([names(a.replica.state, '/p'), names(a.replica.state, '/q')]).toEqual([[], []]);
    },
  },
  {
    name: 'a znode is not created for a session that has ended meanwhile',
    async run(world) {
      const { a, b } = world;
      await all(a, open('s1'));
      await lag(world);
      await all(a, close('s1'));
      await expect(late(b, ephemeral('/e'))).rejects.toMatchObject({ reason: 'session-expired' });
    },
  },
  {
    name: 'an instance that is deregistered takes the znode along that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, open('s1'), create('/services'), create('/services/web'));
      await lag(world);
      await all(a, instance);
      await late(b, deregister);
      await settle();
      const { state } = a.replica;
      expect([findInstance(state, 'default', '', '/services/web/i'), findZnode(state, 'default', '/services/web/i')]).toEqual([undefined, undefined]);
    },
  },
];
