/** The messages between the main thread and the thread of content checks. */

import type { ConfigFormat, ErrorCode } from '@rollcall/protocol';
import type { ContentFault, ContentQuestion } from './content.ts';

export type Job =
  | { readonly kind: 'check'; readonly question: ContentQuestion }
  | { readonly kind: 'schema'; readonly schema: string }
  | { readonly kind: 'flatten'; readonly content: string; readonly format: ConfigFormat };

export type JobAnswer =
  | { readonly ok: true; readonly result: readonly ContentFault[] | string }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };
