/**
 * Hides a namespace from callers without a right in it. For such a caller, answers, errors and waiting must be the same as
 * for a namespace that does not exist. Its requests are therefore redirected to a namespace whose name cannot be created,
 * so that each look-up finds nothing, on every route. Denials show the name from the request.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Authorizer } from './authorizer.ts';

/** No valid namespace name begins with it (`isNamespaceName`). */
const mark = '-';

/** The fields of a caller that this file needs. */
interface Asker {
  readonly namespace: string;
  readonly authorizer: Pick<Authorizer, 'allowsNamespace'>;
}

/**
 * The namespace in which a caller's request looks things up. No caller loses its token's own namespace or the default one.
 * @param namespace that the request names
 */
export function namespaceFor({ namespace: own, authorizer }: Asker, namespace: string): string {
  if (namespace === defaultNamespace || namespace === own || authorizer.allowsNamespace(namespace, 'read')) return namespace;
  return mark + namespace;
}

/** The name as the request gave it. */
export function shownNamespace(namespace: string): string {
  return namespace.startsWith(mark) ? namespace.slice(mark.length) : namespace;
}
