/**
 * Builds programs in Rust that tests compare with or run against, from a folder with a `crate.json` that pins a crate; the crate's own
 * lock file pins the rest. The programs are kept in the user's cache, and later calls find them there. Standard library only.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { builtOnce } from './built-once.mjs';

/**
 * Builds a program if it is missing.
 * @param source the folder
 * @param name of the folder in the cache
 * @param program file name of the program
 * @returns its path by that name, or the missing part
 */
export function buildCargo(source, name, program) {
  const { crate, version } = JSON.parse(readFileSync(join(source, 'crate.json'), 'utf8'));
  return builtOnce({
    source,
    name,
    programs: [program],
    missing: () => (spawnSync('cargo', ['--version']).status === 0 ? '' : `there is no cargo: ${name} is built with Rust (Debian: cargo, or https://rustup.rs)`),
    build(folder) {
      console.error(`building ${crate} ${version} with cargo, which takes 10 minutes and more`);
      const root = join(folder, 'root');
      const { status, stderr } = spawnSync('cargo', ['install', crate, '--version', version, '--locked', '--root', root], { encoding: 'utf8', env: { ...process.env, CARGO_TARGET_DIR: join(folder, 'target') } });
      if (status !== 0) return `${crate} ${version} could not be built: ${stderr?.trim().split('\n').at(-1) ?? 'cargo did not start'}`;
      renameSync(join(root, 'bin', program), join(folder, program));
      for (const each of ['root', 'target']) rmSync(join(folder, each), { recursive: true, force: true });
      return undefined;
    },
  });
}
