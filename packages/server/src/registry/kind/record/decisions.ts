/** What comes of the commands about generic records. */

import type { RecordDelete, RecordPut } from '../../command.ts';
import type { Draft } from '../../draft.ts';
import { find } from '../../reader.ts';
import type { Decision } from '../../room.ts';
import { keys, type RecordRow } from '../../rows.ts';

export const decisions = {
  'record-put': { writes: true, decide: putRecord },
  'record-delete': { decide: (draft: Draft, { namespace, type, id }: RecordDelete) => draft.delete(keys.record(namespace, type, id)) },
} satisfies Record<string, Decision>;

function putRecord(draft: Draft, { namespace, type, id, value, cas }: RecordPut): boolean {
  if (cas !== undefined && cas !== revisionOf(find.record(draft, namespace, type, id))) return false;
  draft.put({ kind: 'record', namespace, type, id, value, created: 0, modified: 0 });
  return true;
}

/** A row written earlier in the same batch has no revision yet: nothing matches it. */
function revisionOf(row: RecordRow | undefined): number {
  return row === undefined ? 0 : row.modified === 0 ? -1 : row.modified;
}
