/** Since when no client follows a flag set: exactly, or at least since when all nodes know their clients. */

import { expect, test } from 'vitest';
import { sinceText } from './unfollowed.ts';

const at = (time: string) => new Date(`2026-01-31T${time}`).getTime();
const nowMs = at('15:00:00');

test.each([
  ['a client was seen, and all is known since', { lastMs: at('14:02:10'), sinceMs: at('09:00:00'), knownMs: at('08:00:00') }, ' No client since 14:02:10.'],
  ['a client was seen before a gap', { lastMs: at('08:30:00'), sinceMs: at('09:00:00'), knownMs: at('08:00:00') }, ' No client since at least 09:00:00; one was last seen at 08:30:00.'],
  ['none was seen, with a gap', { sinceMs: at('09:00:00'), knownMs: at('08:00:00') }, ' No client since at least 09:00:00, and none was seen since 08:00:00.'],
  ['none was seen', { sinceMs: at('09:00:00'), knownMs: at('09:00:00') }, ' No client since at least 09:00:00.'],
  ['nothing is known', undefined, ''],
])('%s', (_what, last, text) => {
  expect(sinceText(last, nowMs)).toBe(text);
});
