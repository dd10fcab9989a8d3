/**
 * Builds the console into `packages/server/console`, with each file compressed ahead. It does nothing when no source is newer than the last build.
 *
 *   node packages/console/build.mjs            builds when something has changed
 *   node packages/console/build.mjs --force    builds in any case
 */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = join(here, '../server/console');
const page = join(target, 'index.html');
const sources = [join(here, 'src'), join(here, '../protocol/src'), join(here, '../client/src'), join(here, 'index.html'), join(here, 'vite.config.ts'), join(here, 'package.json')];

if (process.argv.includes('--force') || !existsSync(page) || newest(sources) > statSync(page).mtimeMs) {
  await build({ configFile: join(here, 'vite.config.ts'), logLevel: 'warn' });
  for (const file of filesIn(target)) compress(file);
}

function compress(file) {
  const content = readFileSync(file);
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}

function newest(paths) {
  return Math.max(...paths.flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path])).map((path) => statSync(path).mtimeMs));
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
