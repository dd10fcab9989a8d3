/** Builds another commit of this repository beside it, with the packages that are installed here. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const own = '@rollcall';

/**
 * @param commit as `git` names it
 * @param folder that does not exist yet
 * @returns the folder
 */
export function buildAt(commit, folder) {
  const installed = join(here, 'node_modules');
  const linked = join(folder, 'node_modules');
  mkdirSync(join(linked, own), { recursive: true });
  const files = execFileSync('git', ['archive', commit], { cwd: here, maxBuffer: 1e9 });
  execFileSync('tar', ['-x'], { cwd: folder, input: files });
  for (const name of readdirSync(installed)) if (name !== own) symlinkSync(join(installed, name), join(linked, name));
  // The packages of that commit, not of this one.
  for (const name of readdirSync(join(installed, own))) symlinkSync(join(folder, 'packages', name), join(linked, own, name));
  execFileSync(process.execPath, [join(installed, 'typescript/bin/tsc'), '-b'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  return folder;
}
