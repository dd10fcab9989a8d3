/** Decisions about prepared queries. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { findLiveSession } from '../session/find.ts';
import type { QueryDelete, QueryPut } from './commands.ts';
import { allQueries, findQuery } from './find.ts';
import { queryKey } from './keys.ts';
import type { QueryRow } from './rows.ts';

/**
 * @throws RegistryError `failed_precondition` when its session does not exist; `already_exists` when another query has
 *   its name
 */
export function putQuery(draft: Draft, { namespace, id, query, update }: QueryPut): boolean {
  if (update && findQuery(draft, namespace, id) === undefined) return false;
  const { session, name, template } = query;
  if (session !== '' && findLiveSession(draft, namespace, session) === undefined) {
    throw new RegistryError('failed_precondition', `invalid session ${JSON.stringify(session.slice(0, 80))}`);
  }
  const nameless = name === '' && template.type === '';
  if (!nameless) checkName(draft, namespace, id, name);
  draft.put<QueryRow>({ kind: 'query', namespace, id, query, created: 0, modified: 0 });
  return true;
}

export function deleteQuery(draft: Draft, { namespace, id }: QueryDelete): boolean {
  return draft.delete(queryKey(namespace, id));
}

/** Names are found without regard to case, those of templates and of other queries alike. */
function checkName(draft: Draft, namespace: string, id: string, name: string): void {
  const folded = name.toLowerCase();
  for (const { id: other, query } of allQueries(draft, namespace)) {
    if (other === id || query.name.toLowerCase() !== folded || (query.name === '' && query.template.type === '')) continue;
    const of = name === '' ? 'another template has an empty name' : `another prepared query has the name ${JSON.stringify(name)}`;
    throw new RegistryError('already_exists', `${of}; names must differ in more than case`);
  }
}
