/** What an editor is told about content before it is saved or published. */

import type { ContentFault } from '../config-content/content.ts';

/** Content that an editor asks about before it is saved. */
export interface ContentInQuestion {
  readonly content: Uint8Array;
  readonly format?: string;
  /** Whether it is about to be published. */
  readonly publishing?: boolean;
  readonly by?: string | undefined;
}

export interface ContentVerdict {
  readonly faults: readonly (Omit<ContentFault, 'kind'> & { readonly kind: ContentFault['kind'] | 'secret' })[];
  /** What was checked, for people. */
  readonly checks: readonly string[];
  /** Why it would not be published as it is. */
  readonly refusals: readonly { readonly reason: 'webhook' | 'loss'; readonly message: string }[];
}
