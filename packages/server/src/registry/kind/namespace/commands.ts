/** The commands about namespaces. */

import type { Foreign } from '../../row.ts';

/** Creates a namespace, or changes its description. */
export interface NamespacePut {
  readonly kind: 'namespace-put';
  /** See `isNamespaceName`. */
  readonly name: string;
  readonly description?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

/** Deletes a namespace with everything in it; false when there is none. */
export interface NamespaceDelete {
  readonly kind: 'namespace-delete';
  readonly name: string;
}
