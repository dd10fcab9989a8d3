/**
 * Consul's blocking queries: an answer now, and the next one when the content changes
 * (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { adminCall, textOf, type Target } from './admin-call.ts';
import { CommandFailure, exitCodes } from './failure.ts';

export interface Answer {
  /** Opaque; the next query waits for a change after it. */
  readonly index: string;
  /** JSON; undefined for a missing key. */
  readonly body: string | undefined;
}

export interface QueryOptions {
  readonly signal: AbortSignal;
  /** The index of the last answer; the query waits until there is a later one. */
  readonly index?: string | undefined;
  /** Longest wait, in seconds; the registry adds up to a sixteenth. */
  readonly waitSeconds?: number;
}

/** Shorter than the time after which proxies cut silent connections. */
const waitUsualSeconds = 50;

/** For the answer itself, beyond the wait. */
const silenceMs = 30_000;

/** Pauses between tries while the registry is unreachable: a random part of a limit that doubles from the first value to the last. */
const pauseFirstMs = 250;
const pauseLastMs = 10_000;

/** @throws CommandFailure as `adminCall` */
export async function blockingQuery(target: Target, path: string, options: QueryOptions): Promise<Answer> {
  const { signal, index, waitSeconds = waitUsualSeconds } = options;
  const wait = index === undefined ? '' : `${path.includes('?') ? '&' : '?'}index=${index}&wait=${Math.ceil(waitSeconds * 1_000)}ms`;
  const answer = await adminCall({
    ...target,
    path: path + wait,
    expect: 'application/json',
    absent: true,
    signal,
    silenceMs: waitSeconds * 1_100 + silenceMs,
  });
  const body = await textOf(answer);
  const { statusCode, headers } = answer;
  return { index: String(headers['x-consul-index'] ?? ''), body: statusCode === 404 ? undefined : body };
}

export interface ChangesOptions {
  readonly signal: AbortSignal;
  /** Prints one line for people. */
  readonly tell: (line: string) => void;
}

/**
 * Yields the answer now, and after every change; while the registry is unreachable, it retries without end.
 * @throws CommandFailure as `adminCall` when the first query fails, and later when the token is refused
 */
export function changesAt(target: Target, path: string, options: ChangesOptions): AsyncGenerator<Answer, void, undefined> {
  return answersOf((index) => blockingQuery(target, path, { signal: options.signal, index }), options);
}

/** The same for any query that waits. @param ask waits for a change after the index; without one it is answered at once */
export async function* answersOf(ask: (index: string | undefined) => Promise<Answer>, { signal, tell }: ChangesOptions): AsyncGenerator<Answer, void, undefined> {
  let last: Answer | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let answer: Answer;
    try {
      // After an outage it may be another registry with other revisions: the query starts without an index.
      answer = await ask(failures === 0 ? last?.index : undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (last === undefined || !(error instanceof CommandFailure) || error.exitCode === exitCodes.denied) throw error;
      if (failures === 0) tell(`${error.message}; asking again until there is an answer`);
      const pause = Math.min(pauseLastMs, pauseFirstMs * 2 ** failures++);
      await sleep(pause / 2 + (Math.random() * pause) / 2, undefined, { signal }).catch(() => undefined);
      continue;
    }
    if (failures > 0) tell('the registry answers again');
    failures = 0;
    // The index may have risen because of another entry.
    if (last === undefined || answer.body !== last.body) yield answer;
    // For example after a restore: the old index is no longer valid.
    last = { ...answer, index: isBefore(answer.index, last?.index) ? '0' : answer.index };
  }
}

function isBefore(index: string, last: string | undefined): boolean {
  return /^\d+$/.test(index) && last !== undefined && /^\d+$/.test(last) && BigInt(index) < BigInt(last);
}
