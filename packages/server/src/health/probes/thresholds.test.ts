/** Consecutive results against thresholds. */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { fresh, judge, resumed, type Streak } from './thresholds.ts';

const results: Record<string, CheckStatus> = { p: 'passing', w: 'warning', c: 'critical' };

/** Feeds results (p, w, c). @returns the new status after each, or a dot where it stays */
function feed(from: Streak, sequence: string, thresholds: CheckDefinition): string {
  let streak = from;
  const statuses = Array.from(sequence, (letter) => {
    const judged = judge(streak, results[letter] ?? 'critical', thresholds);
    streak = judged.streak;
    return judged.status?.[0] ?? '.';
  });
  return statuses.join('');
}

const three = { successBeforePassing: 3, failuresBeforeCritical: 3 };

describe('thresholds', () => {
  it.each<[string, Streak, CheckDefinition, string, string]>([
    ['without any, every result counts', resumed, {}, 'pcwpcc', 'pcwpcc'],
    ['1 is the same as none', resumed, { successBeforePassing: 1, failuresBeforeCritical: 1 }, 'pcp', 'pcp'],
    ['the first result of a new check counts at once: passing', fresh, three, 'p', 'p'],
    ['the first result of a new check counts at once: critical', fresh, three, 'c', 'c'],
    ['after the first, thresholds hold', fresh, three, 'pccpcccpppc', 'p.....c..p.'],
    ['after our restart the first result is one of many', resumed, three, 'ccc', '..c'],
    ['after our restart the threshold for passing holds, too', resumed, three, 'ppp', '..p'],
    ['a failure resets the successes', resumed, three, 'ppcppp', '.....p'],
    ['a success resets the failures', resumed, three, 'ccpccc', '.....c'],
    ['a warning counts as a success', resumed, three, 'wwwp', '..wp'],
    ['a warning resets the failures', resumed, three, 'ccwcc', '.....'],
    ['warning first, then critical', resumed, { failuresBeforeWarning: 2, failuresBeforeCritical: 4 }, 'ccccc', '.wwcc'],
    ['a warning threshold without a critical one has no effect', resumed, { failuresBeforeWarning: 2 }, 'cc', 'cc'],
    ['a warning threshold above the critical one has no effect', resumed, { failuresBeforeWarning: 5, failuresBeforeCritical: 2 }, 'ccc', '.cc'],
    ['none for warning means never by count', resumed, { failuresBeforeCritical: 3 }, 'ccc', '..c'],
  ])('%s', (_name, from, definition, sequence, expected) => {
    expect(feed(from, sequence, definition)).toBe(expected);
  });
});
