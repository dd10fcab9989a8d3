/**
 * Words that hide who does what: pronouns for roles that have a name. Covers sources, tests, documents and `--help`.
 * It finds words, not bad sentences; STYLE.md says how to write instead.
 */

import { lineAt, type SourceFile } from './source-files.ts';

/** Pronouns, with what to write instead. `whatever` is banned where it is a subject: before a verb or `else`. */
const banned =
  /\b(?:whoever|whomever|nobody|somebody|anybody|everybody|someone|anyone|everyone)\b|\bwhatever\s+(?:else|is|are|was|were|has|had|does|did|can|may|must|will|would|comes|ends|goes|holds|needs|asks|uses|wants|means|makes|sits|stands|happens|becomes)\b/gi;

/** Files that name the words: this rule, and the words of others. */
export const exempt: Readonly<Record<string, string>> = {
  'STYLE.md': 'it shows what not to write',
  'tools/plain-words.ts': 'it lists the words',
  'tools/plain-words.test.ts': 'it plants the words',
};

/** Breaches, one line each. */
export function checkWords({ path, text }: SourceFile): string[] {
  return [...text.matchAll(banned)].map(
    ({ 0: word, index }) => `${path}:${lineAt(text, index)} says \`${word.replaceAll(/\s+/g, ' ')}\`: name the role that does it (STYLE.md)`,
  );
}
