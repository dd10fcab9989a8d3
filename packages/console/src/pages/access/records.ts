/** What the parts of this page are given, and how they ask about a namespace. */

import type { ExplainedDenial } from '@rollcall/protocol';
import type { AskOptions } from '../../api.ts';

/** What each part of the page is given. */
export interface SectionProps {
  readonly namespace: string;
  readonly isPaused: () => boolean;
  /** Why the caller may not change anything; undefined when it may. */
  readonly denial: ExplainedDenial | undefined;
}

/** For a request about a namespace. */
export function inNamespace(namespace: string): AskOptions {
  return { headers: { 'x-rollcall-namespace': namespace } };
}
