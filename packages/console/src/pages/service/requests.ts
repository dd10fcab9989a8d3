/** Requests for actions on instances (`frontend/actions` of the server). A selection may be larger than one request: then several are sent, one after the other. */

import type { ActionAnswer, CheckedNow } from '@rollcall/protocol';
import { ask } from '../../api.ts';

export type Action = 'drain' | 'out_of_service' | 'clear' | 'weight' | 'check' | 'deregister';

export interface InstanceName {
  readonly service: string;
  readonly node: string;
  readonly id: string;
}

export interface Wish {
  readonly namespace: string;
  readonly action: Action;
  readonly instances: readonly InstanceName[];
  /** Of `weight`; null: that of the instance itself. */
  readonly weight?: number | null;
  readonly reason: string;
}

/** Of all requests. */
export interface Outcome extends Omit<ActionAnswer, 'undo' | 'dryRun'> {
  /** Bodies of the requests that take it back; empty when it cannot be taken back. */
  readonly undo: readonly object[];
}

/** The server's limit for one request. */
const atOnce = 1_000;

/** @throws ApiError of the first request that is refused as a whole; those before it were carried out */
export async function act(wish: Wish, dryRun: boolean): Promise<Outcome> {
  const answers: ActionAnswer[] = [];
  for (let from = 0; from < wish.instances.length; from += atOnce) {
    const { reason, ...body } = wish;
    answers.push(await ask<ActionAnswer>('POST', '/rollcall/v1/actions', { ...body, instances: wish.instances.slice(from, from + atOnce), dryRun, ...(reason === '' ? {} : { reason }) }));
  }
  return together(answers, dryRun);
}

/** Takes an action back. @throws ApiError */
export async function takeBack(bodies: readonly object[]): Promise<string> {
  let refused = 0;
  let applied = 0;
  for (const body of bodies) {
    const answer = await ask<ActionAnswer>('POST', '/rollcall/v1/actions', body);
    refused += answer.refused.length;
    applied += answer.applied;
  }
  return refused === 0 ? `Taken back for ${applied}.` : `Taken back for ${applied}; ${refused} stay as another operator has set them meanwhile.`;
}

/** All are about one service. A dry run changes nothing between its requests. */
function together(answers: readonly ActionAnswer[], dryRun: boolean): Outcome {
  const [first, last] = [answers[0] as ActionAnswer, answers.at(-1) as ActionAnswer];
  const sum = (of: (answer: ActionAnswer) => number): number => answers.reduce((total, answer) => total + of(answer), 0);
  const [leaves, returns] = [sum((answer) => answer.leaves), sum((answer) => answer.returns)];
  const before = first.left + first.leaves - first.returns;
  return {
    ...{ applied: sum((answer) => answer.applied), of: first.of, leaves, returns, left: dryRun ? before - leaves + returns : last.left, clients: last.clients },
    refused: answers.flatMap(({ refused }) => refused),
    ...(first.checks === undefined ? {} : { checks: answers.flatMap(({ checks = [] }) => checks) }),
    undo: answers.flatMap(({ undo }) => (undo === null ? [] : [undo])),
  };
}

/** What probes at once have found. */
export function checkedText({ checks = [], applied }: Outcome): string {
  const count = (status: CheckedNow['status']): number => checks.filter((check) => check.status === status).length;
  const parts = (['critical', 'warning', 'passing', 'running', 'asked'] as const).flatMap((status) => (count(status) === 0 ? [] : [`${count(status)} ${status === 'asked' ? 'asked on another node' : status}`]));
  return `Checked ${applied}: ${parts.join(', ')}.`;
}

export function nameOf({ service, node, id }: InstanceName): InstanceName {
  return { service, node, id };
}
