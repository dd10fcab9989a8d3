/** When a client of this node was last seen to follow a configuration, by what is remembered of clients. Pure. */

import type { ClientLine } from './question.ts';
import type { Spans } from './spans.ts';

export interface FollowedQuestion {
  readonly namespace: string;
  /** `APP/NAME`. */
  readonly config: string;
}

/** All times are milliseconds since the Unix epoch. */
export interface LastFollower {
  /** When a client was last seen to follow it; absent: never since `knownMs`. */
  readonly lastMs?: number;
  /** From when on the clients are known without a gap. */
  readonly sinceMs: number;
  /** The first time of which they are known. */
  readonly knownMs: number;
}

/** @param lookedMs of the last look: a client that follows it then does so still */
export function* lastFollower(spans: Spans, { namespace, config }: FollowedQuestion, lookedMs: number): Generator<void, LastFollower, undefined> {
  const known = { sinceMs: spans.gaplessMs, knownMs: spans.sinceMs };
  // Most clients follow others, and parsing costs fifty times as much as a search.
  const word = JSON.stringify(config);
  const isFollower = (value: string) => value.includes(word) && (JSON.parse(value) as ClientLine).watches.some((watch) => watch.kind === 'config' && watch.namespace === namespace && watch.name === config);
  for (const { value } of [...spans.lasting()]) {
    yield;
    if (isFollower(value)) return { ...known, lastMs: lookedMs };
  }
  for (const { value, lastMs } of spans.endedLast()) {
    yield;
    if (isFollower(value)) return { ...known, lastMs };
  }
  return known;
}

/** Joins what several nodes know: it is known from when on all of them do. */
export function joinLastFollowers(all: readonly LastFollower[]): LastFollower {
  const last = all.flatMap(({ lastMs }) => lastMs ?? []);
  return {
    sinceMs: Math.max(...all.map(({ sinceMs }) => sinceMs)),
    knownMs: Math.max(...all.map(({ knownMs }) => knownMs)),
    ...(last.length === 0 ? {} : { lastMs: Math.max(...last) }),
  };
}
