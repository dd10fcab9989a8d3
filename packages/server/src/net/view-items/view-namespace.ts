/** The namespace of a frame; `default` when the frame names none. */

import { defaultNamespace } from '@rollcall/protocol';

export function namespaceOf({ namespace = defaultNamespace }: { readonly namespace?: string | undefined }): string {
  return namespace;
}
