/**
 * The rules that must hold when replicas on one engine write at the same time, and one of them decides on a state that lags. Each case
 * ends with a comparison: all nodes, and one that starts now, have the same rows and the same revisions of views.
 */

import { expect } from 'vitest';
import { say, see, view, recordKey } from './shared-commands.case.ts';
import { lockCases } from './shared-lock-cases.case.ts';
import { znodeCases } from './shared-znode-cases.case.ts';
import { all, lag, late, type SharedCase } from './shared-world.case.ts';
import type { TestNode } from './test-node.case.ts';

export const sharedCases: readonly SharedCase[] = [
  {
    name: 'a write that seems to change nothing is acknowledged only if that is so',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.put('k', 'v'));
      await lag(world);
      await all(a, say.put('k', 'w'));
      expect(await late(b, say.put('k', 'v'))).toBe(true);
      await settle();
      expect([see.value(a.replica.state, 'k'), see.value(b.replica.state, 'k')]).toEqual(['v', 'v']);
    },
  },
  {
    name: 'a cas with the right revision succeeds, and with an old one fails',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.put('k', '1'));
      await lag(world);
      const old = see.revisionOf(a.replica.state, 'k');
      await all(a, say.put('k', '2'));
      expect(await late(b, say.cas('k', '3', see.revisionOf(a.replica.state, 'k')))).toBe(true);
      await lag(world);
      await all(a, say.put('k', '4'));
      expect(await late(b, say.cas('k', '5', old))).toBe(false);
      await settle();
      expect(see.value(a.replica.state, 'k')).toBe('4');
    },
  },
  {
    name: 'only one of two creations of a key with cas 0 succeeds',
    async run(world) {
      const { a, b } = world;
      await lag(world);
      expect(await a.replica.submit(say.cas('k', 'a', 0))).toBe(true);
      expect(await late(b, say.cas('k', 'b', 0))).toBe(false);
      expect(see.value(a.replica.state, 'k')).toBe('a');
    },
  },
  {
    name: 'a registration that seems to change nothing brings back what is gone',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'i'));
      await lag(world);
      await all(a, say.deregisterInstance('n', 'i'));
      await late(b, say.instance('n', 'i'));
      await settle();
      expect(see.instances(a.replica.state, 'web')).toEqual(['i']);
    },
  },
  {
    name: 'a refusal is about the present state',
    async run(world) {
      const { a, b } = world;
      await all(a, say.node('n'));
      await lag(world);
      await all(a, say.session('s', 'n'));
      expect(await late(b, say.acquire('lock', 's'))).toBe(true);
      expect(see.holder(b.replica.state, 'lock')).toBe('s');
    },
  },
  {
    name: 'a transaction that only reads shows what was committed before it',
    async run(world) {
      const { a, b } = world;
      await lag(world);
      await all(a, say.put('d/1', 'x'));
      expect(await late(b, say.readTree('d/'))).toMatchObject({ reads: [[{ key: 'd/1' }]] });
    },
  },
  {
    name: 'a transaction that reads a tree and writes has read all of it',
    async run(world) {
      const { a, b } = world;
      await all(a, say.put('d/1', 'x'));
      await lag(world);
      await all(a, say.put('d/2', 'x'));
      expect(await late(b, say.readTreeAndPut('d/', 'count', '2'))).toMatchObject({ reads: [[{ key: 'd/1' }, { key: 'd/2' }], []] });
    },
  },
  {
    name: 'a lock is taken once',
    async run(world) {
      const { a, b } = world;
      await all(a, say.node('n'), say.session('s', 'n'), say.session('t', 'n'));
      await lag(world);
      expect(await a.replica.submit(say.acquire('lock', 's'))).toBe(true);
      expect(await late(b, say.acquire('lock', 't'))).toBe(false);
      expect(see.holder(b.replica.state, 'lock')).toBe('s');
    },
  },
  {
    name: 'a session that ends leaves no lock that was taken meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'), say.session('s', 'n'), say.session('t', 'n'));
      await lag(world);
      expect(await a.replica.submit(say.acquire('lock', 's'))).toBe(true);
      expect(await late(b, say.destroy('s'))).toBe(true);
      await settle();
      expect(see.session(a.replica.state, 's')).toBeUndefined();
      expect(see.holder(a.replica.state, 'lock')).toBeUndefined();
      expect(await a.replica.submit(say.acquire('lock', 't'))).toBe(true);
    },
  },
  {
    name: 'a session that has ended takes no lock',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'), say.session('s', 'n'));
      await lag(world);
      await all(a, say.destroy('s'));
      await expect(late(b, say.acquire('lock', 's'))).rejects.toMatchObject({ code: 'failed_precondition' });
      await settle();
      expect(see.holder(a.replica.state, 'lock')).toBeUndefined();
    },
  },
  {
    name: 'a session that ends takes the instances along that it came to vouch for meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'), say.session('s', 'n'));
      await lag(world);
      await all(a, say.instance('n', 'i', { session: 's' }));
      await late(b, say.destroy('s'));
      await settle();
      expect(see.instances(a.replica.state, 'web')).toEqual([]);
    },
  },
  {
    name: 'a check that fails ends the session that was bound to it meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.check('n', 'alive'));
      await lag(world);
      await all(a, say.session('s', 'n', ['alive']));
      await late(b, say.status('n', 'alive', 'critical'));
      await settle();
      expect(see.check(a.replica.state, 'n', 'alive')?.status).toBe('critical');
      expect(see.session(a.replica.state, 's')).toBeUndefined();
    },
  },
  {
    name: 'a check that goes ends the session that was bound to it meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.check('n', 'alive'));
      await lag(world);
      await all(a, say.session('s', 'n', ['alive']));
      await late(b, say.deregisterCheck('n', 'alive'));
      await settle();
      expect(see.session(a.replica.state, 's')).toBeUndefined();
    },
  },
  {
    name: 'a node that goes leaves nothing that was registered on it meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'));
      for (const [what, command] of [
        ['instance', say.instance('n', 'i')],
        ['check', say.check('n', 'c')],
        ['session', say.session('s', 'n')],
      ] as const) {
        await all(a, say.node('n'));
        await lag(world);
        await all(a, command);
        await late(b, say.deregisterNode('n'));
        await settle();
        const { state } = a.replica;
        expect(see.node(state, 'n'), `with a new ${what}`).toBeUndefined();
        expect([see.instances(state, 'web'), see.check(state, 'n', 'c'), see.session(state, 's')], `with a new ${what}`).toEqual([[], undefined, undefined]);
      }
    },
  },
  {
    name: 'an instance that is registered on a node that went meanwhile brings the node back',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'));
      await lag(world);
      await all(a, say.deregisterNode('n'));
      await late(b, say.instance('n', 'i'));
      await settle();
      expect(see.node(a.replica.state, 'n')).toBeDefined();
      expect(see.instances(a.replica.state, 'web')).toEqual(['i']);
    },
  },
  {
    name: 'a node that goes takes the coordinate along that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.node('n'));
      await lag(world);
      await all(a, say.coordinate('n'));
      await late(b, say.deregisterNode('n'));
      await settle();
      expect(see.coordinates(a.replica.state)).toEqual([]);
    },
  },
  {
    name: 'an instance that goes leaves no check that was registered for it meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'i'));
      await lag(world);
      await all(a, say.check('n', 'c', { instance: 'i' }));
      await late(b, say.deregisterInstance('n', 'i'));
      await settle();
      expect(see.check(a.replica.state, 'n', 'c')).toBeUndefined();
    },
  },
  {
    name: 'a registration that replaces the checks of an instance replaces those that came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'i'));
      await lag(world);
      await all(a, say.check('n', 'other', { instance: 'i' }));
      await late(b, say.replace('n', 'i', [{ id: 'own', name: 'own', instance: 'i' }]));
      await settle();
      expect(see.check(a.replica.state, 'n', 'own')).toBeDefined();
      expect(see.check(a.replica.state, 'n', 'other')).toBeUndefined();
    },
  },
  {
    name: 'a node id belongs to one node',
    async run(world) {
      const { a, b, settle } = world;
      const id = '11111111-2222-3333-4444-555555555555';
      await lag(world);
      await all(a, say.node('one', { id }));
      await late(b, say.node('two', { id }));
      await settle();
      expect(see.nodesWithId(a.replica.state, id)).toHaveLength(1);
    },
  },
  {
    name: 'a name belongs to one prepared query',
    async run(world) {
      const { a, b } = world;
      await lag(world);
      await all(a, say.query('q1', 'nearest'));
      await expect(late(b, say.query('q2', 'Nearest'))).rejects.toMatchObject({ code: 'already_exists' });
      expect(see.queries(a.replica.state)).toHaveLength(1);
    },
  },
  {
    name: 'a recursive delete leaves no key that was there when it was asked for',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.put('d/1', 'x'));
      await lag(world);
      await all(a, say.put('d/2', 'x'));
      await late(b, say.removeTree('d/'));
      await settle();
      expect(see.keys(a.replica.state, 'd/')).toEqual([]);
    },
  },
  {
    name: 'a recursive delete that takes several steps leaves no key that was there when it was asked for',
    async run(world) {
      const { a, b, settle } = world;
      await Promise.all(Array.from({ length: 1_500 }, (_, n) => a.replica.submit(say.put(`d/k${n}`, 'x'))));
      await lag(world);
      await all(a, say.put('d/a', 'x'), say.put('d/k9999', 'x'));
      await late(b, say.removeTree('d/'));
      await settle();
      expect(see.keys(a.replica.state, 'd/')).toEqual([]);
    },
  },
  {
    name: 'a tag that comes back wakes those who watch the catalog',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'a', { tags: ['blue'] }));
      await lag(world);
      await all(a, say.instance('n', 'a', { tags: ['green'] }));
      const before = a.replica.views.revision(view.catalog());
      let woken = 0;
      a.replica.views.watch(view.catalog(), () => woken++);
      await late(b, say.instance('n', 'b', { tags: ['blue'] }));
      await settle();
      expect(see.tags(a.replica.state, 'web')).toEqual(['blue', 'green']);
      expect(a.replica.views.revision(view.catalog())).toBeGreaterThan(before);
      expect(woken).toBe(1);
    },
  },
  {
    name: 'a tag whose last two instances go at the same time wakes those who watch the catalog',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'x'), say.instance('n', 'a', { tags: ['blue'] }), say.instance('n', 'b', { tags: ['blue'] }));
      await lag(world);
      const before = b.replica.views.revision(view.catalog());
      await all(a, say.deregisterInstance('n', 'a'));
      let woken = 0;
      a.replica.views.watch(view.catalog(), () => woken++);
      await late(b, say.deregisterInstance('n', 'b'));
      await settle();
      expect(see.tags(a.replica.state, 'web')).toEqual([]);
      expect(a.replica.views.revision(view.catalog())).toBeGreaterThan(before);
      expect(woken).toBe(1);
    },
  },
  {
    name: 'a service whose last two instances go at the same time leaves the catalog',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'a'), say.instance('m', 'b'));
      await lag(world);
      const before = b.replica.views.revision(view.catalog());
      await all(a, say.deregisterInstance('n', 'a'));
      await late(b, say.deregisterInstance('m', 'b'));
      await settle();
      expect(b.replica.views.revision(view.catalog())).toBeGreaterThan(before);
    },
  },
  {
    name: 'a check of a node that goes is seen by those who watch a service that came to the node meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'a'), say.check('n', 'disk', { status: 'critical' }));
      await lag(world);
      await all(a, say.instance('n', 'z', { service: 'zeta' }));
      const before = a.replica.views.revision(view.service('zeta'));
      let woken = 0;
      a.replica.views.watch(view.service('zeta'), () => woken++);
      await late(b, say.deregisterCheck('n', 'disk'));
      await settle();
      expect(a.replica.views.revision(view.service('zeta'))).toBeGreaterThan(before);
      expect(woken).toBe(1);
    },
  },
  {
    name: 'an address of a node that changes is seen by those who watch a service that came to the node meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'a'));
      await lag(world);
      await all(a, say.instance('n', 'z', { service: 'zeta' }));
      const before = a.replica.views.revision(view.service('zeta'));
      let woken = 0;
      a.replica.views.watch(view.service('zeta'), () => woken++);
      await late(b, say.node('n', { address: '10.9.9.9' }));
      await settle();
      expect(a.replica.views.revision(view.service('zeta'))).toBeGreaterThan(before);
      expect(woken).toBe(1);
    },
  },
  {
    name: 'tags that change are seen by those who watch checks, when a check came meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'i', { tags: ['old'] }));
      await lag(world);
      await all(a, say.check('n', 'c', { instance: 'i' }));
      const before = a.replica.views.revision(view.checks());
      await late(b, say.instance('n', 'i', { tags: ['new'] }));
      await settle();
      expect(a.replica.views.revision(view.checks())).toBeGreaterThan(before);
    },
  },
  {
    name: 'forgetting an empty view spares one that shows something again',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.instance('n', 'i'), say.deregisterInstance('n', 'i'));
      await lag(world);
      // The marker is newer than each row that the view shows: a node that starts without it finds an older revision.
      await all(a, say.instance('n', 'i'), say.instance('n', 'j'), say.deregisterInstance('n', 'j'));
      const before = a.replica.views.revision(view.service('web'));
      await late(b, say.prune([recordKey.serviceView('web')]));
      await settle();
      expect(a.replica.views.revision(view.service('web'))).toBe(before);
    },
  },
  {
    name: 'forgetting a key that is gone spares one that was removed again',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.put('k', '1'), say.remove('k'));
      await lag(world);
      await all(a, say.put('k', '2'), say.remove('k'));
      const before = a.replica.views.revision(view.key('k'));
      await late(b, say.prune([recordKey.tombstone('k')]));
      await settle();
      expect(a.replica.views.revision(view.key('k'))).toBe(before);
    },
  },
  {
    name: 'a namespace that goes leaves nothing that was written in it meanwhile',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.namespace('team'));
      await lag(world);
      await all(a, say.putIn('team', 'k', '1'));
      expect(await late(b, say.deleteNamespace('team'))).toBe(true);
      await settle();
      expect(see.namespace(a.replica.state, 'team')).toBeUndefined();
      expect(see.keysIn(a.replica.state, 'team')).toEqual([]);
    },
  },
  {
    name: 'nothing is written in a namespace that is gone',
    async run(world) {
      const { a, b, settle } = world;
      await all(a, say.namespace('team'));
      await lag(world);
      await all(a, say.deleteNamespace('team'));
      await expect(late(b, say.putIn('team', 'k', '1'))).rejects.toMatchObject({ code: 'not_found' });
      await settle();
      expect(see.keysIn(a.replica.state, 'team')).toEqual([]);
    },
  },
  {
    name: 'three nodes that write at once lose nothing',
    async run({ a, b, c, settle }) {
      const nodes = [a, b, c];
      const add = async (node: TestNode, name: string) => {
        for (let n = 0; n < 20; n++) {
          for (;;) {
            const revision = see.revisionOf(node.replica.state, 'sum');
            const sum = Number(see.value(node.replica.state, 'sum') ?? 0);
            if (await node.replica.submit(say.cas('sum', String(sum + 1), revision))) break;
          }
          await node.replica.submit(say.instance(`node-${n % 3}`, `${name}-${n}`, { tags: [`tag-${n}`] }));
        }
      };
      await Promise.all(nodes.map((node, at) => add(node, `writer-${at}`)));
      await settle();
      for (const { replica } of nodes) {
        expect(see.value(replica.state, 'sum')).toBe('60');
        expect(see.instances(replica.state, 'web')).toHaveLength(60);
      }
    },
  },
  {
    name: 'a node that has to list the store again forgets what is gone, and tells only what changed',
    async run({ a, b, settle }) {
      await all(a, say.node('stays'), say.node('goes'), say.put('same', '1'), say.put('other', '1'));
      await settle();
      b.hold();
      await all(a, say.deregisterNode('goes'), say.put('other', '2'));
      const told: string[] = [];
      const woken: string[] = [];
      b.replica.observe({
        observe: (changes) => told.push(...changes.map(({ key }) => key)),
        *replaced(changes) {
          told.push(...changes.map(({ key }) => key));
          yield;
        },
      });
      for (const name of [view.node('stays'), view.node('goes'), view.key('same'), view.key('other')]) b.replica.views.watch(name, () => woken.push(name));
      b.compact();
      await b.lose();
      b.go();
      await b.recover();
      await settle();
      expect(see.node(b.replica.state, 'goes')).toBeUndefined();
      expect(woken.toSorted()).toEqual([view.key('other'), view.node('goes')].toSorted());
      expect(told.filter((key) => key.includes('stays') || key.includes('same'))).toEqual([]);
      expect(told.filter((key) => !key.startsWith('view'))).toHaveLength(2);
    },
  },
  ...lockCases,
  ...znodeCases,
];
