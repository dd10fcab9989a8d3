/** Runs the programs of others that judge files of this repository, if they are installed. */

import { spawnSync } from 'node:child_process';
import { root } from './source-files.ts';

/** @param cwd the root of the repository by default */
export function run(program: string, args: readonly string[], cwd = root): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  return { status, output: `${error?.message ?? ''}${stdout}${stderr}` };
}

export function isMissing(program: string): boolean {
  return spawnSync(program, ['--version']).error !== undefined;
}

export const howToInstall = '`node conformance/install-debian.mjs` installs it on Debian';
