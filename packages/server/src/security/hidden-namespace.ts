/**
 * A namespace in which a caller has no right does not exist for it: answers, errors and waiting must not tell the two
 * apart. So its requests are about a namespace whose name cannot be given: everything that looks something up finds
 * nothing, whatever route it is. Denials show the name that the request had.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Authorizer } from './authorizer.ts';

/** No name begins with it (`isNamespaceName`). */
const mark = '-';

/** A caller, as far as it matters here. */
interface Asker {
  readonly namespace: string;
  readonly authorizer: Pick<Authorizer, 'allowsNamespace'>;
}

/**
 * The namespace that a caller's request is about. That of its own token and the default one are hidden from no caller.
 * @param namespace that the request names
 */
export function namespaceFor({ namespace: own, authorizer }: Asker, namespace: string): string {
  if (namespace === defaultNamespace || namespace === own || authorizer.allowsNamespace(namespace, 'read')) return namespace;
  return mark + namespace;
}

/** The name as requests give it. */
export function shownNamespace(namespace: string): string {
  return namespace.startsWith(mark) ? namespace.slice(mark.length) : namespace;
}
