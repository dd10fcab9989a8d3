/**
 * Builds an earlier commit of this repository, for runs of two versions side by side. It needs git with that commit, and it uses the packages that are
 * installed here, so a commit that needs others does not build. Kept in the user's cache; a build takes some 10 s. Standard library only.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The version of nodes that tests run beside those of this checkout. Take a later commit when this one no longer builds with the packages of today,
 * or when its nodes are no longer promised to work beside new ones.
 */
export const olderCommit = '43766dee1648';

/** Why the commit cannot be built here; undefined when git has it. */
export function olderProblem(commit) {
  const { status, error } = spawnSync('git', ['rev-parse', '--quiet', '--verify', `${commit}^{commit}`], { cwd: root });
  if (status === 0) return undefined;
  return error === undefined ? `git has no commit ${commit} here (an archive, or a shallow clone): run it in a clone with the whole history` : `git cannot be run: ${error.message}`;
}

/**
 * @param commit as git names it
 * @returns path of its `rollcall.mjs`
 * @throws Error when git has no such commit, or it does not build
 */
export function buildOlder(commit) {
  const id = run('git', ['rev-parse', '--verify', '--short=12', `${commit}^{commit}`]).trim();
  // The build has links to the packages of this checkout, so each checkout has its own.
  const checkout = createHash('sha256').update(root).digest('hex').slice(0, 8);
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rollcall', `version-${id}-${checkout}`);
  const program = join(folder, 'packages', 'cli', 'bin', 'rollcall.mjs');
  if (existsSync(join(folder, 'built'))) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run('sh', ['-c', `git archive ${id} | tar -x -C "$0"`, folder]);
  linkPackages(folder);
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'packages/protocol', 'packages/server', 'packages/client', 'packages/cli'], folder);
  mkdirSync(join(folder, 'built'));
  return program;
}

/** Packages of others are those of this checkout; those of the workspace are the older ones. */
function linkPackages(folder) {
  const installed = join(root, 'node_modules');
  mkdirSync(join(folder, 'node_modules', '@rollcall'), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== '@rollcall' && name !== '.bin') symlinkSync(join(installed, name), join(folder, 'node_modules', name));
  }
  for (const name of ['protocol', 'server', 'client', 'cli']) {
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules', '@rollcall', name));
    const own = join(root, 'packages', name, 'node_modules');
    if (existsSync(own)) symlinkSync(own, join(folder, 'packages', name, 'node_modules'));
  }
}

function run(file, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8', maxBuffer: 1e9 });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} in ${dirname(cwd)}: ${error?.message ?? `${stdout}${stderr}`.slice(-2_000)}`);
  return stdout;
}
