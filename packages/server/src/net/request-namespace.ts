/** The namespace of a request to a front end whose protocol has no word for it. */

import { RegistryError, isNamespaceName } from '@rollcall/protocol';
import type { Caller } from '../security/acl.ts';
import { namespaceFor } from '../security/hidden-namespace.ts';
import type { Exchange } from './frontend.ts';

/**
 * That of the header `X-Rollcall-Namespace`, or of the token.
 * @throws RegistryError `invalid_argument`
 */
export function requestNamespace(caller: Caller, { request }: Exchange): string {
  const header = request.headers['x-rollcall-namespace'];
  return namespaceIn(caller, typeof header === 'string' && header !== '' ? header : caller.namespace);
}

/**
 * The namespace that a body or a parameter names.
 * @throws RegistryError `invalid_argument`
 */
export function namespaceIn(caller: Caller, named: string): string {
  if (!isNamespaceName(named)) throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(named.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
  return namespaceFor(caller, named);
}
