/**
 * `npm run grammars`: turns every grammar of the sources (`x.peggy`) into its parser beside it
 * (`x.generated.ts`). The parsers are committed, so that nothing needs peggy to build or to run.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import peggy from 'peggy';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Rules that parsing may start from, where it is not the first one alone. */
const startRules = { 'packages/server/src/security/hcl.peggy': ['Hcl', 'Json'] };

const head = (name) =>
  ['// @ts-nocheck', `// Made from ${name} by \`npm run grammars\`: change that, not this.`, '/* eslint-disable */', ''].join('\n');

/** Paths of all grammars, from the root of the repository. */
export function grammars() {
  return readdirSync(join(root, 'packages'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.peggy') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .filter((path) => !path.includes('/dist/'))
    .sort();
}

/** The path of a grammar's parser, and the parser. */
export function generate(path) {
  const source = peggy.generate(readFileSync(join(root, path), 'utf8'), {
    output: 'source',
    format: 'es',
    ...(startRules[path] === undefined ? {} : { allowedStartRules: startRules[path] }),
  });
  return {
    path: path.replace(/\.peggy$/, '.generated.ts'),
    text: `${head(path.slice(path.lastIndexOf('/') + 1))}${source}`,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of grammars().map(generate)) {
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
