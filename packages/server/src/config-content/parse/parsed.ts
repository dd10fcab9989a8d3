/** The result of parsing a content, and places in its text. */

import type { ContentFault } from '../content.ts';

export type Parsed = { readonly ok: true; readonly value: unknown } | Failed;

export interface Failed {
  readonly ok: false;
  readonly fault: ContentFault;
}

/** @param at offset of the fault in the text; O(at) */
export function fail(text: string, at: number, message: string, kind: 'syntax' | 'duplicate' = 'syntax'): Failed {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return { ok: false, fault: { kind, message, line, column: at - start + 1 } };
}
