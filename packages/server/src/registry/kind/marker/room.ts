/**
 * The description of what the shared parts write themselves: markers of views, heads of sets that decisions scan, the
 * floor of revisions, and records that a newer Rollcall wrote.
 */

import type { Kind, Room } from '../../room.ts';
import { keys, type FloorRow, type HeadRow, type UnreadRow, type ViewRow } from '../../rows.ts';

const view: Kind<ViewRow> = { format: 2, key: ({ view: name }) => keys.view(name) };
const head: Kind<HeadRow> = { format: 2, key: ({ of }) => keys.head(of) };
const floor: Kind<FloorRow> = { format: 2, key: () => keys.floor() };
/** Never written in this form: its bytes are kept. */
const unread: Kind<UnreadRow> = { format: 0, key: ({ key }) => key };

export const markerRoom: Room = { name: 'marker', kinds: { view, head, floor, unread } };
