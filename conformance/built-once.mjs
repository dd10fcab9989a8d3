/**
 * Programs of others that are built from pinned sources once and kept in the user's cache. The sources determine the programs, so their
 * hash names the folder, and later calls find it there. Standard library only.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * @param options.source folder whose files determine the programs
 * @param options.name of the folder in the cache
 * @param options.programs their file names in that folder
 * @param options.missing called before a build; returns the missing tool, or an empty text
 * @param options.build called with an empty folder, into which it writes the programs; returns why it failed, or undefined
 * @returns the path of each program by its file name, or why there is none
 */
export function builtOnce({ source, name, programs, missing, build }) {
  const folder = folderOf(source, name);
  const paths = Object.fromEntries(programs.map((program) => [program, join(folder, program)]));
  if (existsSync(folder)) return { programs: paths };
  const lacking = missing();
  if (lacking !== '') return { problem: lacking };
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    const problem = build(scratch);
    if (problem !== undefined) return { problem };
    // Another process may have built the same programs meanwhile.
    if (!existsSync(folder)) renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { programs: paths };
}

function folderOf(source, name) {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const hash = createHash('sha256');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => statSync(join(source, file)).isFile());
  for (const file of files.sort((one, other) => (one < other ? -1 : 1))) hash.update(`${file}\0`).update(readFileSync(join(source, file))).update('\0');
  return join(cache, 'rollcall', `${name}-${process.arch}-${hash.digest('hex').slice(0, 16)}`);
}
