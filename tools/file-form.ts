/** The form of a file: its name, its opening comment, its length, and no open task in a comment. */

import { isTest, type SourceFile } from './source-files.ts';

/** A file is one concept; beyond this it is two. Tables of tests may be longer. */
const linesMax = 350;
const testLinesMax = 600;

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$/;
const vague = /(^|[-/])(utils?|helpers?|common|misc|manager)([-./]|$)/;
const later = /\b(TODO|FIXME|XXX|HACK)\b/;

/** Breaches, one line each. */
export function checkForm({ path, text }: SourceFile): string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const lines = text.split('\n');
  // Generated files may have any length.
  const limit = path.endsWith('.generated.ts') ? Infinity : isTest(path) ? testLinesMax : linesMax;
  const found: string[] = [];
  if (!kebab.test(name)) found.push('file names are kebab-case');
  if (vague.test(path)) found.push('the name describes no concept; name the concept');
  // A test file is about the file beside it, and its tests say what they protect.
  if (!isTest(path) && !/^(#!.*\n)?\/[/*]/.test(text)) found.push('open with a comment: what the file is for, what it does not do');
  if (lines.length - 1 > limit) found.push(`${lines.length - 1} lines, the limit is ${limit}; split by concept`);
  if (/^export \* /m.test(text)) found.push('`export *` hides what a package offers; list the names');
  lines.forEach((line, index) => {
    if (later.test(line)) found.push(`line ${index + 1}: do it now or open an issue, but leave no note for later`);
  });
  return found.map((what) => `${path}: ${what}`);
}
