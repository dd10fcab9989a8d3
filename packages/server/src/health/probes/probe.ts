/** The port of a probe: one way to test an instance. One file per kind implements it. */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';

export interface ProbeResult {
  readonly status: CheckStatus;
  /** For people. */
  readonly output: string;
}

/**
 * Tests an instance once, over a new connection that is closed afterwards: a pooled one would not show
 * whether a new client can connect.
 *
 * @param signal aborts when the time of the probe is over or its result is not needed any more; the caller
 *   does not wait for the probe after that
 * @throws Error if there is no answer: the check turns critical with the error's message
 */
export type Probe = (definition: CheckDefinition, signal: AbortSignal) => Promise<ProbeResult>;
