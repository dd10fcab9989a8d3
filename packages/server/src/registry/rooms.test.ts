/**
 * A new kind is a folder and a line. The two rooms below are in no shared part and in no list of the product: elections,
 * and configurations with a row for each release, one for the release that is current and one for each step of the history.
 * Both work, with the types of their own rows, commands and answers, through deciding, transactions, the log, views,
 * watches, restarts, pruning and backups.
 */

import { describe, expect, expectTypeOf, test } from 'vitest';
import { writeBackup } from '../backup/backup.ts';
import { readBackup } from '../backup/restore.ts';
import { inTurns } from '../in-turns.ts';
import { decideBatch } from './batch.ts';
import { decodeWith, encodeWith, interner } from './codec.ts';
import type { AnyTxn, AnyTxnResult, Prune } from './command.ts';
import type { Draft } from './draft.ts';
import { KindTable } from './kind-table.ts';
import { findKv } from './kind/kv/find.ts';
import { kvKey } from './kind/kv/keys.ts';
import { rooms as known, type Command, type Row } from './kinds.ts';
import { momentOf } from './moment.ts';
import { prunable } from './prune.case.ts';
import type { AnswerIn, CommandIn, Decision, Kind, Lookup, Room, RoomIndex, RowIn } from './room.ts';
import { orderedKey, type Revisions } from './row.ts';
import { State } from './state.ts';
import { Views } from './views.ts';

/** The leader; the term rises with each new one. */
interface ElectionRow extends Revisions {
  readonly kind: 'election';
  readonly namespace: string;
  readonly name: string;
  readonly leader: string;
  readonly term: number;
}

interface Campaign {
  readonly kind: 'campaign';
  readonly namespace: string;
  readonly name: string;
  readonly leader: string;
}

interface Resign {
  readonly kind: 'resign';
  readonly namespace: string;
  readonly name: string;
}

const electionKey = (namespace: string, name: string) => `election\0${namespace}\0${name}`;
const electionsView = (namespace: string) => `elections\0${namespace}`;

function findElection(reader: Lookup, name: string, namespace = 'default'): ElectionRow | undefined {
  return reader.get(electionKey(namespace, name)) as ElectionRow | undefined;
}

const election: Kind<ElectionRow> = {
  format: 1,
  mayStayUnread: true,
  key: ({ namespace, name }) => electionKey(namespace, name),
  keyFields: ['namespace', 'name'],
  buckets: ({ namespace }) => [electionsView(namespace)],
  addViews({ namespace, name }, views) {
    views.add(electionsView(namespace));
    views.add(electionKey(namespace, name));
  },
};

/** @returns the term, which rises with each leader */
function campaign(draft: Draft, { namespace, name, leader }: Campaign): number {
  const before = findElection(draft, name, namespace);
  if (before?.leader === leader) return before.term;
  const term = (before?.term ?? 0) + 1;
  draft.put<ElectionRow>({ kind: 'election', namespace, name, leader, term, created: 0, modified: 0 });
  return term;
}

const electionRoom = {
  name: 'election',
  kinds: { election },
  views: {
    elections: { shows: ({ namespace }, shown) => shown.has(electionsView(namespace)) },
    election: { shows: ({ namespace, name }, shown) => shown.get(electionKey(namespace, name)) !== undefined, forgettable: true },
  },
  decisions: {
    campaign: { writes: true, decide: campaign },
    resign: { decide: (draft: Draft, { namespace, name }: Resign): boolean => draft.delete(electionKey(namespace, name)) },
  } satisfies Record<string, Decision>,
} satisfies Room;

/** Never changes once it is written. */
interface ReleaseRow extends Revisions {
  readonly kind: 'release';
  readonly namespace: string;
  readonly app: string;
  readonly number: number;
  readonly content: string;
}

/** The release of an application that its clients get. */
interface CurrentRow extends Revisions {
  readonly kind: 'current';
  readonly namespace: string;
  readonly app: string;
  readonly release: number;
}

interface StepRow extends Revisions {
  readonly kind: 'step';
  readonly namespace: string;
  readonly app: string;
  readonly release: number;
  readonly by: string;
}

interface Release {
  readonly kind: 'release-put';
  readonly namespace: string;
  readonly app: string;
  readonly number: number;
  readonly content: string;
}

/** False when another release is current than the one that the caller has seen. */
interface MakeCurrent {
  readonly kind: 'make-current';
  readonly namespace: string;
  readonly app: string;
  readonly release: number;
  readonly insteadOf: number;
}

interface Note {
  readonly kind: 'note-step';
  readonly namespace: string;
  readonly app: string;
  readonly release: number;
  readonly by: string;
}

const releaseKey = (namespace: string, app: string, number: number) => `release\0${namespace}\0${app}\0${number}`;
const currentKey = (namespace: string, app: string) => `current\0${namespace}\0${app}`;
const stepKey = (namespace: string, app: string, release: number) => `step\0${namespace}\0${app}\0${release}`;

const unwritten = { namespace: 'default', created: 0, modified: 0 } as const;

const release: Kind<ReleaseRow> = { format: 1, key: ({ namespace, app, number }) => releaseKey(namespace, app, number) };
const current: Kind<CurrentRow> = {
  format: 1,
  key: ({ namespace, app }) => currentKey(namespace, app),
  addViews: ({ namespace, app }, views) => views.add(currentKey(namespace, app)),
  parents: ({ namespace, app, release: number }) => [releaseKey(namespace, app, number)],
};
const step: Kind<StepRow> = { format: 1, key: ({ namespace, app, release: number }) => stepKey(namespace, app, number) };

const configurationRoom = {
  name: 'configuration',
  kinds: { release, current, step },
  views: { current: { shows: ({ namespace, name }, shown) => shown.get(currentKey(namespace, name)) !== undefined } },
  decisions: {
    'release-put': {
      writes: true,
      decide: (draft: Draft, { kind: _kind, ...content }: Release): boolean => draft.put<ReleaseRow>({ kind: 'release', ...content, created: 0, modified: 0 }),
    },
    'make-current': {
      writes: true,
      conditionOn: ({ namespace, app }: MakeCurrent) => currentKey(namespace, app),
      decide(draft: Draft, { namespace, app, release: number, insteadOf }: MakeCurrent): boolean {
        const before = draft.get(currentKey(namespace, app)) as CurrentRow | undefined;
        if ((before?.release ?? 0) !== insteadOf) return false;
        draft.put<CurrentRow>({ kind: 'current', namespace, app, release: number, created: 0, modified: 0 });
        return true;
      },
    },
    'note-step': {
      writes: true,
      decide: (draft: Draft, { kind: _kind, ...content }: Note): boolean => draft.put<StepRow>({ kind: 'step', ...content, created: 0, modified: 0 }),
    },
  } satisfies Record<string, Decision>,
} satisfies Room;

/** The line of the list. */
const rooms = [...known, electionRoom, configurationRoom] as const;

type TestRoom = (typeof rooms)[number];
type TestRow = RowIn<TestRoom>;
type TestTxn = AnyTxn<CommandIn<TestRoom>>;
type TestCommand = CommandIn<TestRoom> | TestTxn | Prune;

const kinds = new KindTable<TestRow>(rooms);

class Log {
  state = new State(kinds);
  views = new Views(this.state);
  readonly records = new Map<string, { key: string; value: Uint8Array; revision: number }>();

  commit(...commands: TestCommand[]): readonly unknown[] {
    const { outcomesAt, writes } = decideBatch(this.state, commands, 0);
    const revision = this.state.revision + (writes === undefined ? 0 : 1);
    if (writes !== undefined) {
      for (const key of writes.delete) this.records.delete(key);
      for (const { key, value } of writes.put) this.records.set(key, { key, value, revision });
      this.views.publish(this.state.apply({ revision, put: writes.put, delete: writes.delete }));
    }
    return outcomesAt(revision).map((outcome) => ('result' in outcome ? outcome.result : 'error' in outcome ? outcome.error.code : outcome));
  }

  restart(): void {
    const { revision } = this.state;
    this.state = new State(kinds);
    this.views = new Views(this.state);
    for (const record of this.records.values()) this.state.load(record);
    Array.from(this.state.deriving());
    this.state.loaded(revision);
  }
}

const run = (name: string, leader: string, namespace = 'default'): Campaign => ({ kind: 'campaign', namespace, name, leader });
const resign = (name: string): Resign => ({ kind: 'resign', namespace: 'default', name });
const put = { kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from('v'), flags: 0n } as const;

describe('the types of a room', () => {
  test('of rows, commands and answers follow from the list', () => {
    expectTypeOf<Extract<TestRow, { kind: 'election' }>>().toEqualTypeOf<ElectionRow>();
    expectTypeOf<Exclude<TestRow, Row>['kind']>().toEqualTypeOf<'election' | 'release' | 'current' | 'step'>();
    expectTypeOf<Exclude<TestCommand, Command | TestTxn>>().toEqualTypeOf<Campaign | Resign | Release | MakeCurrent | Note>();
    expectTypeOf<AnswerIn<TestRoom, 'campaign'>>().toEqualTypeOf<number>();
    expectTypeOf<AnswerIn<TestRoom, 'update-checks'>>().toEqualTypeOf<number>();
    expectTypeOf<AnswerIn<TestRoom, 'kv-delete-tree'>>().toEqualTypeOf<boolean>();
    // One mistake a line: a list without the room, a field that is missing, one that the kind does not have, no type.
    // @ts-expect-error
    const notInTheList: Command = run('main', 'a');
    // @ts-expect-error
    const withoutLeader: TestCommand = { kind: 'campaign', namespace: 'default', name: 'main' };
    const draws = (draft: Draft) => [
      // @ts-expect-error
      draft.put<StepRow>({ ...unwritten, kind: 'step', app: 'a', release: 1 }),
      // @ts-expect-error
      draft.put<StepRow>({ ...unwritten, kind: 'step', app: 'a', release: 1, by: 'b', why: '' }),
      // @ts-expect-error
      draft.put({ ...unwritten, kind: 'step', app: 'a', release: 1, by: 'b' }),
    ];
    expect([notInTheList, withoutLeader, draws]).toHaveLength(3);
  });

  test('a state and its readers have them', () => {
    const log = new Log();
    log.commit(run('main', 'a'));
    const leaders = Array.from(log.state.rows(), ([, row]) => (row.kind === 'election' ? row.leader : row.kind));
    expect(leaders).toEqual(['a']);
  });
});

describe('a row of a new kind', () => {
  test('is decided on top of what the batch has decided, with the namespace checked and views raised', () => {
    const log = new Log();
    const woken: string[] = [];
    for (const view of [electionsView('default'), electionKey('default', 'main'), electionKey('default', 'other')]) log.views.watch(view, () => woken.push(view));
    expect(log.commit(run('main', 'a'), run('main', 'b'), run('main', 'b'), run('x', 'a', 'nowhere'))).toEqual([1, 2, 2, 'not_found']);
    expect(findElection(log.state, 'main')).toMatchObject({ leader: 'b', term: 2, created: 1, modified: 1 });
    expect(woken.sort()).toEqual([electionsView('default'), electionKey('default', 'main')].sort());
    log.commit(put);
    expect(log.views.revision(electionKey('default', 'main'))).toBe(1);
  });

  test('keeps its revisions over a restart and after it is gone, until the marker is pruned', () => {
    const log = new Log();
    log.commit(run('main', 'a'));
    log.commit(run('main', 'b'));
    log.commit(resign('main'));
    const revisions = () => [electionsView('default'), electionKey('default', 'main')].map((view) => log.views.revision(view));
    expect(revisions()).toEqual([3, 3]);
    log.restart();
    expect(revisions()).toEqual([3, 3]);
    const keys = prunable(log.state, 0);
    expect(keys).toEqual([`view\0${electionKey('default', 'main')}`]);
    log.commit({ kind: 'prune', keys });
    expect(log.state.get(keys[0] as string)).toBeUndefined();
    expect(log.views.revision(electionKey('default', 'main'))).toBe(3);
  });

  test('is removed with its namespace', () => {
    const log = new Log();
    log.commit({ kind: 'namespace-put', name: 'team-a' }, run('main', 'a', 'team-a'));
    for (let steps = 0; steps < 3; steps++) log.commit({ kind: 'namespace-delete', name: 'team-a' });
    expect(findElection(log.state, 'main', 'team-a')).toBeUndefined();
  });

  test('is kept unread by a program without the room, byte for byte, and read again by one with it', () => {
    const log = new Log();
    log.commit(run('main', 'a'));
    const key = electionKey('default', 'main');
    const bytes = encodeWith(kinds, log.state.get(key) as ElectionRow);
    const older = new State();
    older.load({ key, value: bytes, revision: 1 });
    Array.from(older.deriving());
    older.loaded(1);
    const [[kept, row] = []] = older.rows();
    const again = encodeWith(older.kinds, row as Row);
    expect([kept, Buffer.compare(again, bytes)]).toEqual([key, 0]);
    expect(decodeWith(kinds, { key, value: again, revision: 1 }, interner())).toMatchObject({ kind: 'election', leader: 'a' });
  });

  test('is in a backup of its state', async () => {
    const log = new Log();
    log.commit(run('main', 'a'), put);
    const chunks: Buffer[] = [];
    for await (const chunk of writeBackup(await inTurns(momentOf(log.state)))) chunks.push(chunk);
    // The program that reads it here has no room for elections, and may keep them.
    const { records } = await readBackup(chunks.values() as unknown as AsyncIterable<Buffer>, 1e6);
    expect(records.map(({ key }) => key).sort()).toEqual([electionKey('default', 'main'), kvKey('default', 'k')]);
  });
});

describe('a transaction with rows of new kinds', () => {
  const publish = (number: number, insteadOf: number): TestTxn => ({
    kind: 'txn',
    operations: [
      { change: { kind: 'release-put', namespace: 'default', app: 'shop', number, content: `content ${number}` } },
      { change: { kind: 'make-current', namespace: 'default', app: 'shop', release: number, insteadOf } },
      { change: { kind: 'note-step', namespace: 'default', app: 'shop', release: number, by: 'ann' }, read: { key: currentKey('default', 'shop') } },
    ],
  });

  test('writes the release, the pointer to it and the history in one commit', () => {
    const log = new Log();
    const woken: string[] = [];
    log.views.watch(currentKey('default', 'shop'), () => woken.push('shop'));
    const [answer] = log.commit(publish(1, 0)) as AnyTxnResult<TestRow>[];
    expect(answer).toMatchObject({ reads: [[], [], [{ kind: 'current', release: 1, created: 1, modified: 1 }]] });
    log.commit(publish(2, 1));
    expect(log.state.revision).toBe(2);
    expect(woken).toEqual(['shop', 'shop']);
    const written = [currentKey('default', 'shop'), releaseKey('default', 'shop', 2), stepKey('default', 'shop', 2)].map((key) => log.state.get(key));
    expect(written).toMatchObject([{ release: 2, modified: 2 }, { content: 'content 2', modified: 2 }, { by: 'ann', modified: 2 }]);
  });

  test('writes none of them when the pointer has moved since the caller read it, and returns the present one', () => {
    const log = new Log();
    log.commit(publish(1, 0));
    const [answer] = log.commit(publish(2, 0));
    expect(answer).toEqual({ failures: [{ at: 1, reason: 'condition', found: expect.objectContaining({ release: 1 }) as unknown }] });
    expect([log.state.revision, log.state.get(releaseKey('default', 'shop', 2))]).toEqual([1, undefined]);
  });

  test('has rows of other kinds with them, and requires any row to be there', () => {
    const log = new Log();
    const both = (key: string): TestTxn => ({ kind: 'txn', operations: [{ change: run('main', 'a') }, { require: { key, present: true }, change: put }] });
    expect(log.commit(both(kvKey('default', 'k')))).toMatchObject([{ failures: [{ at: 1, reason: 'requirement' }] }]);
    expect(log.state.size).toBe(0);
    log.commit(both(electionKey('default', 'main')));
    expect([findElection(log.state, 'main')?.leader, findKv(log.state, 'default', 'k')?.modified]).toEqual(['a', 1]);
  });
});

test('a kind may be ordered, lapse, and have an index of its room', () => {
  interface TicketRow extends Revisions {
    readonly kind: 'ticket';
    readonly namespace: string;
    readonly key: string;
    readonly untilMs: number;
  }
  const ticket: Kind<TicketRow> = {
    format: 1,
    key: ({ namespace, key }) => orderedKey('ticket', namespace, key),
    ordered: true,
    lapsed: ({ untilMs }, now) => untilMs <= now,
  };
  const followed: string[] = [];
  const index: RoomIndex = { follow: (before, after) => followed.push((after ?? before)?.kind ?? ''), notes: () => ({ note: () => {} }) };
  const room = { name: 'ticket', kinds: { ticket }, index: { of: ['ticket'], make: () => index } } satisfies Room;
  const table = new KindTable<TestRow | TicketRow>([...rooms, room]);
  const state = new State(table);
  const row: TicketRow = { kind: 'ticket', namespace: 'default', key: 'a', untilMs: 5, created: 0, modified: 0 };
  const key = table.keyOf(row);
  state.apply({ revision: 1, put: [{ key, value: encodeWith(table, row) }], delete: [] });
  expect([[...state.ordered('ticket', 'default', '')], prunable(state, 4), prunable(state, 5), followed]).toEqual([['a'], [], [key], ['ticket']]);
  state.apply({ revision: 2, put: [], delete: [key] });
  expect([[...state.ordered('ticket', 'default', '')], prunable(state, 5), followed]).toEqual([[], [], ['ticket', 'ticket']]);
});

test('two rooms cannot describe the same kind', () => {
  expect(() => new KindTable([...rooms, electionRoom])).toThrow('two rooms describe election');
});
