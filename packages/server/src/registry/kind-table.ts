/** The descriptions of all rooms, by what they describe. Made once from the list in `kinds.ts`; `R` is any of its rows. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Admission, Decision, Judging, Kind, Reading, Room, ViewKind } from './room.ts';
import { noNamespace, type AnyRow } from './row.ts';
import { parseView, type ParsedView } from './view-name.ts';

export class KindTable<R extends AnyRow = AnyRow> {
  readonly rooms: readonly Room[];
  readonly #kinds = new Map<string, Kind>();
  readonly #views = new Map<string, ViewKind>();
  readonly #heads = new Map<string, (first: string, second: string, third: string) => string | undefined>();

  readonly #decisions = new Map<string, Decision>();
  /** Called before each decision that writes in a namespace. */
  readonly admissions: readonly Admission[];
  /** Asked before a verdict that names its judge is carried out. */
  readonly judging: readonly Judging[];
  /** Asked before a row is written that older programs cannot read. */
  readonly reading: readonly Reading[];
  /** The newest level of records that this program reads and writes. */
  readonly level: number;
  /** The rooms that follow what a transaction changes in views. */
  readonly touching: readonly (Room & Required<Pick<Room, 'touches'>>)[];

  /** @throws Error when two rooms describe the same: a mistake in the list */
  constructor(rooms: readonly Room[]) {
    this.rooms = rooms;
    this.admissions = rooms.flatMap(({ admits }) => admits ?? []);
    this.judging = rooms.flatMap(({ judges }) => judges ?? []);
    this.reading = rooms.flatMap(({ reads }) => reads ?? []);
    this.level = Math.max(1, ...rooms.flatMap(({ kinds }) => Object.values(kinds).map(({ since = 1 }) => since)));
    this.touching = rooms.filter((room) => 'touches' in room) as (Room & Required<Pick<Room, 'touches'>>)[];
    for (const { kinds, views = {}, heads = {}, decisions = {} } of rooms) {
      addAll(this.#kinds, kinds);
      addAll(this.#views, views);
      addAll(this.#heads, heads);
      addAll(this.#decisions, decisions);
    }
  }

  get(kind: string): Kind | undefined {
    return this.#kinds.get(kind);
  }

  /** @throws TypeError for a row of a kind that no room has */
  of(row: R): Kind {
    const kind = this.#kinds.get(row.kind);
    if (kind === undefined) throw new TypeError(`no room has rows of the kind ${row.kind}`);
    return kind;
  }

  /** Names of all kinds. */
  names(): Iterable<string> {
    return this.#kinds.keys();
  }

  /** Names of the kinds for which something holds. */
  kindsWith(holds: (kind: Kind) => boolean): string[] {
    return Array.from(this.#kinds).flatMap(([name, kind]) => (holds(kind) ? [name] : []));
  }

  keyOf(row: R): string {
    return this.of(row).key(row);
  }

  /** Every bucket that a row belongs to. */
  bucketsOf(row: R): string[] {
    const kind = this.of(row);
    const names = kind.buckets?.(row) ?? [];
    // Rows that are removed with their namespace: all except those that only keep a revision.
    const { namespace = noNamespace } = row;
    if (namespace !== defaultNamespace && namespace !== noNamespace && kind.keepsRevision !== true) names.push(inNamespace(namespace));
    return names;
  }

  /** Whether both rows, which have one key, are in the same buckets for certain. */
  keepsItsBuckets(before: R, after: R): boolean {
    return before.kind === after.kind && this.of(after).keepsItsBuckets?.(before, after) === true;
  }

  keepsItsViews(before: R, after: R): boolean {
    return before.kind !== after.kind || (this.of(before).keepsItsViews?.(before, after) ?? true);
  }

  /** The description of the kind of a view, by its whole name. */
  viewKind(name: string): ViewKind {
    const end = name.indexOf('\0');
    return this.#views.get(end < 0 ? name : name.slice(0, end)) ?? unknownView;
  }

  /** The description of a view's kind, with the parsed name. Views of an unknown kind show nothing. */
  view(name: string): { readonly parsed: ParsedView; readonly kind: ViewKind } {
    const parsed = parseView(name);
    return { parsed, kind: this.#views.get(parsed.kind) ?? unknownView };
  }

  /** The decision on a kind of command; undefined when no room has it. */
  decision(command: string): Decision | undefined {
    return this.#decisions.get(command);
  }

  /** The head of a bucket; undefined for one that decisions must not rely on. */
  headOfBucket(bucket: string): string | undefined {
    const [kind = '', first = '', second = '', third = ''] = bucket.split('\0', 4);
    return this.#heads.get(kind)?.(first, second, third);
  }
}

/** Name of the bucket with the rows that are removed with a namespace other than `default`: all except tombstones. */
export function inNamespace(namespace: string): string {
  return `in\0${namespace}`;
}

const unknownView: ViewKind = {};

function addAll<T>(to: Map<string, T>, from: Readonly<Record<string, T>>): void {
  for (const [name, each] of Object.entries(from)) {
    if (to.has(name)) throw new Error(`two rooms describe ${name}`);
    to.set(name, each);
  }
}
