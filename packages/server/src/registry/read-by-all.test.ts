/** A node does not write what an older member of the same store cannot read, and cannot do without. */

import { beforeEach, describe, expect, test } from 'vitest';
import { decideBatch } from './batch.ts';
import type { Draft } from './draft.ts';
import { KindTable } from './kind-table.ts';
import { kinds as known, rooms as knownRooms, type Row } from './kinds.ts';
import type { CommandIn, Decision, Kind, Room, RowIn } from './room.ts';
import type { Revisions } from './row.ts';
import { State } from './state.ts';

interface NoteRow extends Revisions {
  readonly kind: 'note' | 'remark';
  readonly id: string;
}

interface Note {
  readonly kind: 'note-put';
  readonly of: 'note' | 'remark';
}

/** Every program must read notes; remarks may stay unread. Both came later. */
const newRoom = {
  name: 'note',
  kinds: {
    note: { format: 1, since: 2, key: ({ id }) => `note\0${id}` } as Kind<NoteRow>,
    remark: { format: 1, since: 2, mayStayUnread: true, key: ({ id }) => `remark\0${id}` } as Kind<NoteRow>,
  },
  decisions: {
    'note-put': { decide: (draft: Draft, { of }: Note): boolean => draft.put<NoteRow>({ kind: of, id: '1', created: 0, modified: 0 }) },
  } satisfies Record<string, Decision>,
} satisfies Room;

const rooms = [...knownRooms, newRoom] as const;
type TestRoom = (typeof rooms)[number];
const newer = new KindTable<RowIn<TestRoom>>(rooms);

let state: State<RowIn<TestRoom>>;

function run(command: CommandIn<TestRoom>, guarded = true) {
  const { writes, outcomesAt } = decideBatch(state, [command], 0, { guarded });
  const revision = state.revision + 1;
  if (writes !== undefined) state.apply({ revision, put: writes.put, delete: writes.delete });
  const [outcome] = outcomesAt(revision);
  return { outcome: outcome !== undefined && 'error' in outcome ? outcome.error.message : outcome, expect: writes?.expect ?? [] };
}

const join = (nodeId: string, reads?: number) =>
  run({ kind: 'member-join', nodeId, name: nodeId, address: '', version: `${reads ?? 0}.0.0`, ...(reads === undefined ? {} : { reads }) });

beforeEach(() => {
  state = new State(newer);
});

describe('a record of a newer level', () => {
  test('is refused while a member cannot read it, and the error names that member', () => {
    join('new', 2);
    join('old');
    expect(run({ kind: 'note-put', of: 'note' }).outcome).toBe('node old runs Rollcall 0.0.0, which cannot read records of the kind note; upgrade all nodes of the store first');
    join('old', 2);
    expect(run({ kind: 'note-put', of: 'note' }).outcome).toEqual({ result: true });
  });

  test('is written in a transaction that expects the members to be those that were asked', () => {
    join('new', 2);
    expect(run({ kind: 'note-put', of: 'note' }).expect).toContainEqual({ key: 'members', revision: 1 });
  });

  test('that may stay unread is written at any time; an only node asks no member', () => {
    join('old');
    expect(run({ kind: 'note-put', of: 'remark' }).outcome).toEqual({ result: true });
    expect(run({ kind: 'note-put', of: 'note' }, false).outcome).toEqual({ result: true });
  });
});

describe('levels', () => {
  test('of a table are the newest of its kinds', () => {
    expect([known.level, newer.level]).toEqual([3, 3]);
  });

  /** A kind that is missing here, or has another format, must say since which level it is read, or that it may stay unread. */
  test('the formats of level 1 are those that every released node reads', () => {
    const ofLevelOne = known.kindsWith(({ since = 1, mayStayUnread }) => since === 1 && mayStayUnread !== true);
    const formats = Object.fromEntries(ofLevelOne.map((name) => [name, known.get(name as Row['kind'])?.format]));
    expect(formats).toEqual({
      ...{ check: 2, claim: 1, coordinate: 1, delay: 2, floor: 2, head: 2, instance: 2, kv: 2, members: 1, namespace: 2, node: 2 },
      ...{ query: 1, record: 2, service: 2, session: 2, tombstone: 2, unread: 0, view: 2 },
    });
  });
});
