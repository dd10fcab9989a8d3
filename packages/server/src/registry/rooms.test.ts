/**
 * A new kind is a folder and a line: the room of elections below is in no shared part, and works through deciding, the
 * log, views, watches, restarts, pruning and backups.
 */

import { expect, test } from 'vitest';
import { decodeWith, encodeWith, interner } from './codec.ts';
import { rooms, type Command, type Row } from './kinds.ts';
import { decideBatch } from './batch.ts';
import type { Draft } from './draft.ts';
import { KindTable } from './kind-table.ts';
import { prunable } from './prune.case.ts';
import type { Decision, Kind, Lookup, Room, ViewSet } from './room.ts';
import { State } from './state.ts';
import { Views } from './views.ts';

/** Who leads; the term rises with each leader. */
interface ElectionRow {
  readonly kind: 'election';
  readonly namespace: string;
  readonly name: string;
  readonly leader: string;
  readonly term: number;
  readonly created: number;
  readonly modified: number;
}

interface Campaign {
  readonly kind: 'campaign';
  readonly namespace: string;
  readonly name: string;
  readonly leader: string;
}

const keyOf = (namespace: string, name: string) => `election\0${namespace}\0${name}`;
const find = (reader: Lookup, namespace: string, name: string) => reader.get(keyOf(namespace, name)) as unknown as ElectionRow | undefined;
const elections = (namespace: string) => `elections\0${namespace}`;
const row = (each: ElectionRow) => each as unknown as Row;

const election: Kind<never> = {
  format: 1,
  mayStayUnread: true,
  key: ({ namespace, name }: ElectionRow) => keyOf(namespace, name),
  buckets: ({ namespace }: ElectionRow) => [elections(namespace)],
  addViews: ({ namespace, name }: ElectionRow, views: ViewSet) => {
    views.add(elections(namespace));
    views.add(keyOf(namespace, name));
  },
} as unknown as Kind<never>;

const room: Room = {
  name: 'election',
  kinds: { election: election as unknown as Kind },
  views: {
    elections: { shows: ({ namespace }, shown) => shown.has(elections(namespace)) },
    election: { shows: ({ namespace, name }, shown) => shown.get(keyOf(namespace, name)) !== undefined, forgettable: true },
  },
  decisions: {
    campaign: {
      writes: true,
      decide(draft: Draft, { namespace, name, leader }: Campaign) {
        const before = find(draft, namespace, name);
        if (before?.leader === leader) return false;
        return draft.put(row({ kind: 'election', namespace, name, leader, term: (before?.term ?? 0) + 1, created: 0, modified: 0 }));
      },
    },
    resign: { decide: (draft: Draft, { namespace, name }: Campaign) => draft.delete(keyOf(namespace, name)) },
  } satisfies Record<string, Decision>,
};

const kinds = new KindTable([...rooms, room]);
const campaign = (name: string, leader: string, namespace = 'default') => ({ kind: 'campaign', namespace, name, leader }) as unknown as Command;
const resign = (name: string) => ({ kind: 'resign', namespace: 'default', name }) as unknown as Command;

class Log {
  state = new State(kinds);
  views = new Views(this.state);
  readonly records = new Map<string, { key: string; value: Uint8Array; revision: number }>();

  commit(...commands: Command[]): readonly unknown[] {
    const { outcomesAt, writes } = decideBatch(this.state, commands, 0);
    if (writes === undefined) return outcomesAt(this.state.revision);
    const revision = this.state.revision + 1;
    for (const key of writes.delete) this.records.delete(key);
    for (const { key, value } of writes.put) this.records.set(key, { key, value, revision });
    this.views.publish(this.state.apply({ revision, put: writes.put, delete: writes.delete }));
    return outcomesAt(revision).map((outcome) => ('result' in outcome ? outcome.result : 'error' in outcome ? outcome.error.code : outcome));
  }

  restart(): void {
    const { revision } = this.state;
    this.state = new State(kinds);
    this.views = new Views(this.state);
    for (const record of this.records.values()) this.state.load(record);
    Array.from(this.state.loading(revision));
  }
}

test('its commands are decided on top of each other, with the namespace checked and views raised', () => {
  const log = new Log();
  const woken: string[] = [];
  for (const view of [elections('default'), keyOf('default', 'main'), keyOf('default', 'other')]) log.views.watch(view, () => woken.push(view));
  expect(log.commit(campaign('main', 'a'), campaign('main', 'b'), campaign('main', 'b'), campaign('x', 'a', 'nowhere'))).toEqual([true, true, false, 'not_found']);
  expect(find(log.state, 'default', 'main')).toMatchObject({ leader: 'b', term: 2, created: 1, modified: 1 });
  expect(woken.sort()).toEqual([elections('default'), keyOf('default', 'main')].sort());
  log.commit({ kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from('v'), flags: 0n });
  expect(log.views.revision(keyOf('default', 'main'))).toBe(1);
});

test('takes part in transactions with rows of other kinds', () => {
  const log = new Log();
  const put = { kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from('v'), flags: 0n };
  const txn = (require: object) => ({ kind: 'txn', operations: [{ change: campaign('main', 'a') }, { require, change: put }] }) as unknown as Command;
  expect(log.commit(txn({ key: 'kv\0default\0k', present: true }))).toMatchObject([{ result: { failures: [{ at: 1 }] } }]);
  expect(log.state.size).toBe(0);
  log.commit(txn({ key: keyOf('default', 'main'), present: true }));
  expect([find(log.state, 'default', 'main')?.leader, log.state.sizeOf('kv')]).toEqual(['a', 1]);
});

test('keeps its revisions over a restart and after it is gone, until the marker is pruned', () => {
  const log = new Log();
  log.commit(campaign('main', 'a'));
  log.commit(campaign('main', 'b'));
  log.commit(resign('main'));
  const revisions = () => [elections('default'), keyOf('default', 'main')].map((view) => log.views.revision(view));
  expect(revisions()).toEqual([3, 3]);
  log.restart();
  expect(revisions()).toEqual([3, 3]);
  const keys = prunable(log.state, 0);
  expect(keys).toEqual([`view\0${keyOf('default', 'main')}`]);
  log.commit({ kind: 'prune', keys });
  expect(log.state.get(keys[0] as string)).toBeUndefined();
  expect(log.views.revision(keyOf('default', 'main'))).toBe(3);
});

test('goes with its namespace', () => {
  const log = new Log();
  log.commit({ kind: 'namespace-put', name: 'team-a' }, campaign('main', 'a', 'team-a'));
  for (let steps = 0; steps < 3; steps++) log.commit({ kind: 'namespace-delete', name: 'team-a' });
  expect(find(log.state, 'team-a', 'main')).toBeUndefined();
});

test('is kept unread by a program without the room, byte for byte, and read again by one with it', () => {
  const log = new Log();
  log.commit(campaign('main', 'a'));
  const bytes = encodeWith(kinds, log.state.get(keyOf('default', 'main')) as Row);
  const older = new State();
  older.load({ key: keyOf('default', 'main'), value: bytes, revision: 1 });
  Array.from(older.loading(1));
  const [[key, kept] = []] = older.rows();
  const again = encodeWith(older.kinds, kept as Row);
  expect([key, Buffer.compare(again, bytes)]).toEqual([keyOf('default', 'main'), 0]);
  expect(decodeWith(kinds, { key: key as string, value: again, revision: 1 }, interner())).toMatchObject({ kind: 'election', leader: 'a' });
});

test('two rooms cannot describe the same kind', () => {
  expect(() => new KindTable([...rooms, room, room])).toThrow('two rooms describe election');
});
