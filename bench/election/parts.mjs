/** The parts of RESULTS.md, each with its own program, commit and date: a program replaces its part, and leaves the others. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = new URL('RESULTS.md', import.meta.url);

/** @param {string} text begins with `# TITLE`, by which its older version is found; a new part comes last */
export function writePart(text) {
  const parts = existsSync(file) ? readFileSync(file, 'utf8').split(/^(?=# )/m) : [];
  const titleOf = (part) => part.split('\n', 1)[0];
  const at = parts.findIndex((part) => titleOf(part) === titleOf(text));
  const after = at < 0 ? [...parts, text] : parts.map((part, index) => (index === at ? text : part));
  writeFileSync(file, `${after.map((part) => part.trimEnd()).join('\n\n')}\n`);
}
