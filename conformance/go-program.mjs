/**
 * Builds programs in Go that tests compare with or run against, from a folder with a `go.mod` and `go.sum`, which pin every module.
 * The programs are kept in the user's cache, and later calls find them there. Standard library only.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtOnce } from './built-once.mjs';

/**
 * Builds missing programs.
 * @param source the folder
 * @param name of the folder in the cache
 * @param packages the Go package of each program, by the program's file name; `.` for the folder itself
 * @param tags build tags, with commas; none by default
 * @returns the path of each program by its name, or the missing part
 */
export function buildGo(source, name, packages, tags = '') {
  return builtOnce({
    source,
    name,
    programs: Object.keys(packages),
    missing: () => goProblem(source, name),
    build(folder) {
      console.error(`building ${Object.keys(packages).join(' and ')} with Go`);
      for (const [program, package_] of Object.entries(packages)) {
        const built = go(source, 'build', '-trimpath', '-ldflags=-s', '-tags', tags, '-o', join(folder, program), package_);
        if (built.status !== 0) return `${package_} could not be built: ${lastLine(built)}`;
      }
      return undefined;
    },
  });
}

/** Empty when Go is installed and new enough, otherwise the missing part. */
function goProblem(source, name) {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))[1];
  const version = go(source, 'version');
  if (version.error !== undefined) return `Go is not installed: ${name} is built with Go ${wanted} or newer (https://go.dev/dl)`;
  // Go from 1.21 on downloads the version that a module needs, unless told otherwise.
  if (version.status !== 0) return `Go cannot build ${name}, which needs Go ${wanted} or newer: ${lastLine(version)}`;
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version.stdout);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor)) return '';
  return `Go ${major}.${minor} is too old: ${name} is built with Go ${wanted} or newer (https://go.dev/dl)`;
}

function go(source, ...args) {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' };
  return spawnSync('go', args, { cwd: source, env, encoding: 'utf8', timeout: 900_000 });
}

function lastLine({ stderr, status, signal }) {
  return (stderr ?? '').trim().split('\n').at(-1) || `go ended with ${status ?? signal}`;
}
