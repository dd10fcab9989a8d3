/**
 * The token that a prepared query is bound to: a caller that executes the query sees what that token may read, and
 * not what its own may. Of the token only its public id is kept, so the binding ends with the token.
 */

import type { PreparedQuery } from '../../../registry/kind/query/query.ts';
import type { Caller } from '../../../security/acl.ts';
import { refused } from '../../../security/access-error.ts';
import { hiddenSecret } from '../acl/acl-json.ts';
import { originOf } from '../request/authenticator.ts';
import type { Call } from '../request/call.ts';

/**
 * The query, bound to the token that the request names.
 * @param before what the request changes. Writing its hidden token back keeps the binding for callers that have that
 *   token, and for managers: others could make the query ask what they may not read themselves
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

/** The caller with the permissions that hold when the query is executed. @throws RegistryError `unauthenticated` when its token is gone */
export function executor({ caller, context }: Call, { accessor }: PreparedQuery): Caller {
  const { acl } = context.security;
  if (accessor === undefined || !acl.enabled) return caller;
  const token = acl.store.tokenAnywhere(accessor);
  if (token === undefined) throw refused('unknown token');
  return acl.refresh({ ...caller, secretHash: token.secretHash });
}
