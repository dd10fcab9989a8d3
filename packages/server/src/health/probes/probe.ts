/** The port of a probe: one way to ask an instance how it is. One file per kind implements it. */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';

export interface ProbeResult {
  readonly status: CheckStatus;
  /** For people. */
  readonly output: string;
}

/**
 * Asks once, over a connection of its own that is closed afterwards: a kept one would say nothing about
 * whether the next client gets through.
 *
 * @param signal aborts when the time of the probe is over or no caller wants the result any more; the caller
 *   does not wait for the probe after that
 * @throws Error when there is no answer: the check is critical then, with the error's message
 */
export type Probe = (definition: CheckDefinition, signal: AbortSignal) => Promise<ProbeResult>;

/** How probes introduce themselves. */
export const userAgent = 'Rollcall-Health-Check';
