/** What the caller may not do with the things of a list, or with one of them, and why: by one question for all reasons, which is asked again when they are about others. */

import { createMemo } from 'solid-js';
import type { ExplainedDenial } from '@rollcall/protocol';
import { answerTo } from '../live/answer.ts';
import { denials, unexplained, type Question } from '../session.ts';

/** @param questions may name a thing twice */
export function createDenied(questions: () => readonly Question[]): (question: Question) => ExplainedDenial | undefined {
  // As a text, so that a list that has come again asks nothing.
  const asked = createMemo(() => JSON.stringify([...new Set(questions().map(keyOf))]));
  const answer = answerTo(() => {
    const keys = JSON.parse(asked()) as string[];
    if (keys.length === 0) return undefined;
    return denials(keys.map((key) => JSON.parse(key) as Question)).then((denied) => new Map(keys.map((key, at) => [key, denied[at] ?? undefined])));
  });
  return (question) => answer().value?.get(keyOf(question));
}

/**
 * What the caller may not do with one thing, whose row says in `can` what it may do: only reasons are asked for.
 * @returns of a right: null when the caller has it; undefined until the row has come
 */
export function createRights<R extends string>(can: () => readonly string[] | undefined, questions: Readonly<Record<R, Question>>): (right: R) => ExplainedDenial | null | undefined {
  const denied = createDenied(() => {
    const known = can();
    return known === undefined ? [] : (Object.keys(questions) as R[]).flatMap((right) => (known.includes(right) ? [] : [questions[right]]));
  });
  return (right) => {
    const known = can();
    if (known === undefined) return undefined;
    return known.includes(right) ? null : (denied(questions[right]) ?? unexplained(questions[right]));
  };
}

function keyOf({ namespace = 'default', resource, verb, name = '' }: Question): string {
  return JSON.stringify({ namespace, resource, verb, name });
}
