/**
 * The token of a prepared query: the query runs with the rights of that token, not with those of the caller. Only the
 * public id of the token is stored, so the binding ends with the token.
 */

import type { PreparedQuery } from '../../../registry/kind/query/rows.ts';
import type { Caller } from '../../../security/acl.ts';
import { refused } from '../../../security/access-error.ts';
import { hiddenSecret } from '../acl/acl-json.ts';
import { originOf } from '../request/authenticator.ts';
import type { Call } from '../request/call.ts';

/**
 * The query, bound to the token that the request names.
 * @param before the query that the request changes. Only callers with its token, and managers, may send the hidden token
 *   back and so keep the binding: others could change the query to return rows that they may not read
 * @throws RegistryError `unauthenticated` for an unknown token; TooManyFailures
 */
export function bound(call: Call, query: PreparedQuery, token: string, before?: PreparedQuery): PreparedQuery {
  const { caller, context, exchange, namespace } = call;
  const { acl, gate } = context.security;
  if (token === '' || !acl.enabled) return query;
  if (token !== hiddenSecret) return { ...query, accessor: gate.enter(token, originOf(exchange.request)).accessorId };
  const kept = before?.accessor;
  if (kept === undefined || (kept !== caller.accessorId && !caller.authorizer.allows(namespace, 'acl', 'write'))) return query;
  return { ...query, accessor: kept };
}

/** The caller with its permissions at the time of the execution. @throws RegistryError `unauthenticated` if its token was deleted or has expired */
export function executor({ caller, context }: Call, { accessor }: PreparedQuery): Caller {
  const { acl } = context.security;
  if (accessor === undefined || !acl.enabled) return caller;
  const token = acl.store.tokenAnywhere(accessor);
  if (token === undefined) throw refused('unknown token');
  return acl.refresh({ ...caller, secretHash: token.secretHash });
}
