/** Conditions over several keys: expressions of the filter language that must hold for the flat keys of a content. */

import { isRegistryError } from '@rollcall/protocol';
import { compile } from '../filter/filter.ts';
import { map, struct, text } from '../filter/shape.ts';
import type { ContentFault, ContentRule } from './content.ts';
import type { FlatValue } from './flatten.ts';

const rulesMax = 100;

const shape = struct({ keys: map(text) });

/** @returns a fault for each rule that does not hold or cannot be read */
export function brokenRules(rules: readonly ContentRule[], flat: ReadonlyMap<string, FlatValue>): ContentFault[] {
  if (rules.length > rulesMax) return [{ kind: 'rule', message: `there are ${rules.length} rules, the limit is ${rulesMax}` }];
  // Without a prototype, so that no key is there that the content does not have.
  const keys = Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(Array.from(flat, ([key, value]) => [key, String(value)])));
  return rules.flatMap(({ expect, message }): ContentFault[] => {
    try {
      return compile(expect, shape)({ keys }) ? [] : [{ kind: 'rule', message: message ?? `the rule ${expect} does not hold` }];
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      return [{ kind: 'rule', message: `the rule ${expect.slice(0, 200)} cannot be read: ${error.message}` }];
    }
  });
}
