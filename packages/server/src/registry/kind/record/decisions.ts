/** Decides the commands about generic records. */

import type { Draft } from '../../draft.ts';
import type { Decision } from '../../room.ts';
import type { RecordDelete, RecordPut } from './commands.ts';
import { findRecord } from './find.ts';
import { recordKey } from './keys.ts';
import type { RecordRow } from './rows.ts';

export const decisions = {
  'record-put': { writes: true, conditionOn: ({ namespace, type, id }: RecordPut) => recordKey(namespace, type, id), decide: putRecord },
  'record-delete': { decide: (draft: Draft, { namespace, type, id }: RecordDelete) => draft.delete(recordKey(namespace, type, id)) },
} satisfies Record<string, Decision>;

function putRecord(draft: Draft, { namespace, type, id, value, cas }: RecordPut): boolean {
  if (cas !== undefined && cas !== revisionOf(findRecord(draft, namespace, type, id))) return false;
  draft.put<RecordRow>({ kind: 'record', namespace, type, id, value, created: 0, modified: 0 });
  return true;
}

/** A row written earlier in the same batch has no revision yet: nothing matches it. */
function revisionOf(row: RecordRow | undefined): number {
  return row === undefined ? 0 : row.modified === 0 ? -1 : row.modified;
}
