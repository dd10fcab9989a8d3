/**
 * Gets a fresh clone ready with nothing but Node and npm: installs what the lock file names when it
 * is missing or out of date, and builds. Standard library only, since it runs before any install.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Empty when this Node is new enough, otherwise the message. */
export function nodeProblem(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return '';
  return `Node ${version} is too old: Rollcall needs 20.19 or newer (https://nodejs.org)`;
}

/** Runs a command in the repository with our terminal; tells whether it succeeded. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** `npm ci`, if `node_modules` does not hold what the lock file names. */
export function install() {
  const lock = readLock('package-lock.json');
  if (lock !== undefined && isInstalled(lock, readLock('node_modules/.package-lock.json'))) return true;
  console.log('installing dependencies: npm ci');
  return run('npm', ['ci', '--no-audit', '--no-fund']);
}

/** Compiles what has changed since the last time. */
export function build() {
  const console = join(root, 'packages/console/build.mjs');
  return run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']) && run(process.execPath, [console]);
}

/**
 * Whether the second lock file, which npm leaves in `node_modules`, has every package of the first
 * in the same version. Optional packages may be missing: they are those of other platforms.
 */
export function isInstalled(wanted, found) {
  if (found === undefined) return false;
  return Object.entries(wanted.packages).every(([path, { version, link, optional, integrity }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const there = found.packages[path];
    if (there === undefined) return optional === true;
    return link === true || (there.version === version && there.integrity === integrity);
  });
}

function readLock(path) {
  const file = join(root, path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
