/** The table finds the longest prefix of every name, as a naive search does. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PrefixTable } from './prefix-table.ts';

const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '\uffff'), maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const entries = fc.dictionary(name, fc.integer({ min: 1, max: 4 }), { maxKeys: 40 });

it('finds the entry that a search through all entries finds', () => {
  fc.assert(
    fc.property(entries, entries, fc.array(name, { minLength: 1 }), (exact, prefixes, names) => {
      const table = new PrefixTable(new Map(Object.entries(exact)), new Map(Object.entries(prefixes)));
      for (const wanted of [...names, ...Object.keys(exact), ...Object.keys(prefixes)]) {
        const longest = Object.keys(prefixes)
          .filter((prefix) => wanted.startsWith(prefix))
          .sort((a, b) => b.length - a.length)[0];
        const byPrefix = longest === undefined ? 0 : (prefixes[longest] ?? 0);
        expect(table.longestPrefix(wanted)).toBe(byPrefix);
        expect(table.get(wanted)).toBe(Object.hasOwn(exact, wanted) ? exact[wanted] : byPrefix);
      }
    }),
    { numRuns: 500 },
  );
});
