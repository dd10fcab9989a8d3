/** What follows from the answers of the nodes of the store. Pure. */

import type { ShownCertificate, ShownMember } from '@rollcall/protocol';
/** A certificate that ends sooner needs an operator: automatic renewal comes earlier. */
export const warnMs = 7 * 86_400_000;

/** Of all nodes, the first to end first; that of several listeners of a node once each. */
export function certificatesOf(members: readonly ShownMember[]): readonly (ShownCertificate & { readonly node: string })[] {
  return members.flatMap(({ name, facts }) => (facts?.certificates ?? []).map((each) => ({ ...each, node: name }))).sort((a, b) => a.notAfterMs - b.notAfterMs);
}
