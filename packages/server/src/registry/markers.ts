/**
 * The rows that the shared parts write themselves, and their description: markers of views, heads of sets that decisions
 * scan, the floor of revisions, and records that a newer Rollcall wrote.
 */

import type { Kind, Room } from './room.ts';
import type { Revisions } from './row.ts';

/** Marker of a view that stopped showing a row: the view's revision is at least its `modified`. */
export interface ViewRow extends Revisions {
  readonly kind: 'view';
  readonly view: string;
}

/** Marker of a set that got a row: its `modified` is at least the revision of the newest one (`touch-heads.ts`). */
export interface HeadRow extends Revisions {
  readonly kind: 'head';
  readonly of: string;
}

/** Every view whose marker or tombstone was pruned had a revision of at most `revision`. */
export interface FloorRow extends Revisions {
  readonly kind: 'floor';
  readonly revision: number;
  /** The registry was last restored from a backup when it stood here: what was written after the backup is forgotten. Absent: never. */
  readonly restored?: number;
}

/**
 * A record that a newer Rollcall wrote, and that this one may keep without reading it: it stays in the store, in
 * backups and restores, and is shown nowhere.
 */
export interface UnreadRow extends Revisions {
  readonly kind: 'unread';
  /** Its record key. */
  readonly key: string;
  /** Its whole value. */
  readonly bytes: Uint8Array;
}

export const markerKey = (view: string) => `view\0${view}`;
export const headKey = (set: string) => `head\0${set}`;
export const floorKey = () => 'floor';

const view: Kind<ViewRow> = { format: 2, key: ({ view: name }) => markerKey(name), keyFields: ['view'], unseen: true, notRestored: true };
const head: Kind<HeadRow> = { format: 2, key: ({ of }) => headKey(of), keyFields: ['of'], unseen: true, notRestored: true };
const floor: Kind<FloorRow> = { format: 2, key: () => floorKey(), unseen: true, notRestored: true };
/** Never written in this form: its bytes are kept. */
const unread: Kind<UnreadRow> = { format: 0, key: ({ key }) => key };

export const markers = { name: 'marker', kinds: { view, head, floor, unread } } satisfies Room;
