/**
 * Words that hide who does what (pronouns for roles that have a name), and turns of phrase that school English does not
 * teach. Covers sources, tests, documents and `--help`. It finds words, not bad sentences; STYLE.md says how to write
 * instead.
 */

import { lineAt, type SourceFile } from './source-files.ts';

/**
 * Pronouns, with what to write instead. `whatever` is banned where it is a subject: before a verb or `else`. ZooKeeper's ACLs have the id
 * `anyone` (`world:anyone`): a program must spell it so, in quotes.
 */
const banned =
  /\b(?:whoever|whomever|nobody|somebody|anybody|everybody|someone|(?!(?<=["'`:])anyone["'`:])anyone|everyone)\b|\bwhatever\s+(?:else|is|are|was|were|has|had|does|did|can|may|must|will|would|comes|ends|goes|holds|needs|asks|uses|wants|means|makes|sits|stands|happens|becomes)\b/gi;

/** Archaic, legal and figurative turns, each with a plain word for it. None has a plain meaning that this would ban. */
const turns: readonly (readonly [turn: RegExp, instead: string])[] = [
  [/\bshall\b/gi, 'must, or will'],
  [/\b(?:hence|thereof|thereby|therein|whereby|wherein|lest|albeit|hitherto|heretofore)\b/gi, 'so, by this, in it'],
  [/\bfor ever\b/gi, 'always, without limit'],
  [/\bto be had\b/gi, 'available'],
  [/\b(?:is|are) at one with\b/gi, 'agrees with'],
  [/\b(?:is|are|was|were) not there\b/gi, 'does not exist, is missing'],
  [/\b(?:given|gives) back\b/gi, 'returns'],
  [/\blets? through\b/gi, 'accepts, allows'],
  [/\bpassed over\b/gi, 'ignores, skips'],
  [/\bwhat comes of\b/gi, 'the result of, decides'],
  [/\bwhat there is\b/gi, 'the thing by its name'],
  [/\bstands? at (?:a|the|this|that) revision\b/gi, 'has this revision'],
  [/\bspeaks? for a\b/gi, 'is about, acts for'],
  [/\b(?:lives|goes) on (?:without|as before)\b/gi, 'continues'],
];

/** Files that name the words: this rule, and the words of others. */
export const exempt: Readonly<Record<string, string>> = {
  'STYLE.md': 'it shows what not to write',
  'tools/plain-words.ts': 'it lists the words',
  'tools/plain-words.test.ts': 'it plants the words',
};

/** Breaches, one line each. */
export function checkWords({ path, text }: SourceFile): string[] {
  const breaches = (words: RegExp, advice: string) =>
    [...text.matchAll(words)].map(
      ({ 0: word, index }) => `${path}:${lineAt(text, index)} says \`${word.replaceAll(/\s+/g, ' ')}\`: ${advice} (STYLE.md)`,
    );
  return [
    ...breaches(banned, 'name the role that does it'),
    ...turns.flatMap(([turn, instead]) => breaches(turn, `write ${instead}`)),
  ];
}
