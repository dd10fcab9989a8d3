/** The namespace that a frame means: the edge where its absence becomes `default`. */

import { defaultNamespace } from '@rollcall/protocol';

export function namespaceOf({ namespace = defaultNamespace }: { readonly namespace?: string | undefined }): string {
  return namespace;
}
