/** The decision to keep a prepared query. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { Json } from '../../row.ts';
import { queryType } from '../record/bound.ts';
import { findRecord, recordsOfType } from '../record/find.ts';
import type { RecordRow } from '../record/rows.ts';
import { findLiveSession } from '../session/find.ts';
import type { QueryPut } from './commands.ts';
import { queryOf } from './rows.ts';

/**
 * @throws RegistryError `failed_precondition` when its session does not exist; `invalid_argument` when
 *   another query has its name; in Consul's words
 */
export function putQuery(draft: Draft, { namespace, id, query, update }: QueryPut): boolean {
  if (update && findRecord(draft, namespace, queryType, id) === undefined) return false;
  const { session, name, template } = query;
  if (session !== '' && findLiveSession(draft, namespace, session) === undefined) {
    throw new RegistryError('failed_precondition', `invalid session "${session.slice(0, 80)}"`);
  }
  const nameless = name === '' && template.type === '';
  if (!nameless) checkName(draft, namespace, id, name);
  draft.put<RecordRow>({ kind: 'record', namespace, type: queryType, id, value: query as unknown as Json, created: 0, modified: 0 });
  return true;
}

/** Names are found without regard to case, those of templates and of other queries alike. */
function checkName(draft: Draft, namespace: string, id: string, name: string): void {
  const folded = name.toLowerCase();
  for (const row of recordsOfType(draft, namespace, queryType)) {
    const other = queryOf(row);
    if (row.id === id || other.name.toLowerCase() !== folded || (other.name === '' && other.template.type === '')) continue;
    const message =
      name === '' ? 'a query template with an empty name already exists' : `name '${name}' aliases an existing query name`;
    throw new RegistryError('invalid_argument', message);
  }
}
