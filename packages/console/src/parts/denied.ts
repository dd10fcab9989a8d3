/** What the caller may not do with the things of a list, by one question for all of them; it is asked again when the list names others. */

import { createMemo } from 'solid-js';
import type { ExplainedDenial } from '@rollcall/protocol';
import { answerTo } from '../live/answer.ts';
import { denials, type Question } from '../session.ts';

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

function keyOf({ namespace = 'default', resource, verb, name = '' }: Question): string {
  return JSON.stringify({ namespace, resource, verb, name });
}
