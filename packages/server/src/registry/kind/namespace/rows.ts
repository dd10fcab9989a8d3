/** The rows of namespaces. */

import type { Foreign, Revisions } from '../../row.ts';

/**
 * A namespace. Rows may be written in it from its creation until its deletion begins; `default` always exists, and has a
 * row once it was described.
 */
export interface NamespaceRow extends Revisions {
  readonly kind: 'namespace';
  readonly name: string;
  readonly description: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Its deletion has begun: nothing more is written in it, and it is removed once it is empty. */
  readonly ending?: true;
  readonly foreign?: Foreign;
}
