/** Proposals of drafts: how commands make one, and what they say while it waits. */

import { proposalSchema, proposedSchema, type RolloutInput } from '@rollcall/protocol';
import type { NamedConfig } from './config-api.ts';
import { CommandFailure, exitCodes, usage } from './failure.ts';

export interface ProposalInput {
  /** Revision of the draft. */
  readonly draft: number;
  readonly message?: string | undefined;
  /** In milliseconds since the Unix epoch. */
  readonly notBeforeMs?: number | undefined;
  readonly confirmed?: true | undefined;
  readonly rollout?: RolloutInput | undefined;
  /** An open proposal of the same draft with another rollout or time is void. */
  readonly replace?: true | undefined;
}

export interface Proposed {
  readonly number: number;
  /** Approvals that lack. */
  readonly missing: number;
}

/** @throws CommandFailure `failure` when the draft has changed meanwhile, or what the registry says */
export async function propose(config: NamedConfig, input: ProposalInput): Promise<Proposed> {
  // JSON leaves out what is undefined.
  const { done, number } = await config.post('/propose', proposedSchema, { ...input });
  if (!done || number === undefined) throw new CommandFailure(exitCodes.failure, `the draft of ${config.name} has changed meanwhile`);
  return found(config, number);
}

/** The same for a command that can be repeated: an open proposal of the same draft stays as it is. */
export async function proposeOnce(config: NamedConfig, input: ProposalInput): Promise<Proposed> {
  try {
    const { state, ...proposed } = await found(config, input.draft);
    if (state === 'open') return proposed;
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exitCode !== exitCodes.notFound) throw error;
  }
  return propose(config, input);
}

async function found(config: NamedConfig, number: number): Promise<Proposed & { readonly state: string }> {
  const { missing, state } = await config.get('/proposal', proposalSchema, { number: String(number) });
  return { number, missing, state };
}

/** What happens next to a proposal. */
export function nextOf({ name }: NamedConfig, { number, missing }: Proposed, notBeforeMs?: number): string {
  if (missing > 0) return `waits for ${missing} approval${missing === 1 ? '' : 's'}: rollcall config approve ${name} ${number}`;
  if (notBeforeMs === undefined) return `needs no further approval: rollcall config publish ${name} --proposal ${number}`;
  return `is published at ${new Date(notBeforeMs).toISOString()}`;
}

/** The time of `--at`. @throws CommandFailure `usage` */
export function timeOf(at: string | undefined): number | undefined {
  const time = at === undefined ? undefined : Date.parse(at);
  if (Number.isNaN(time)) throw usage(`${JSON.stringify(at)} is no time, such as 2030-01-31T08:00:00Z`);
  return time;
}
