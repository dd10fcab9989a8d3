/**
 * Builds a real etcd from its Go modules, since Debian's is older than Rollcall accepts. The modules are pinned by version and hash in
 * `server/` (etcd and etcdutl) and `benchmark/` (etcd's own load generator). A build takes about a minute on two cores and is kept in
 * the user's cache; later calls find it. Standard library only.
 *
 *   node conformance/etcd/build.mjs             builds etcd and etcdutl, and prints where they are
 *   node conformance/etcd/build.mjs benchmark   builds the load generator
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders with a `go.mod`, and what is built from each: file name and Go package. */
const builds = {
  server: { etcd: 'go.etcd.io/etcd/server/v3', etcdutl: 'go.etcd.io/etcd/etcdutl/v3' },
  benchmark: { benchmark: 'go.etcd.io/etcd/v3/tools/benchmark' },
};

/**
 * Builds what is missing.
 * @param name `server` or `benchmark`
 * @returns the path of each program by its name, or what is missing to build it
 */
export function buildEtcd(name = 'server') {
  const source = fileURLToPath(new URL(name, import.meta.url));
  const folder = folderOf(source, name);
  const programs = Object.fromEntries(Object.keys(builds[name]).map((program) => [program, join(folder, program)]));
  if (existsSync(folder)) return { programs };
  const problem = goProblem(source);
  if (problem !== '') return { problem };
  console.log(`building ${Object.keys(programs).join(' and ')} with Go, which takes about a minute`);
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    for (const [program, package_] of Object.entries(builds[name])) {
      const built = go(source, 'build', '-trimpath', '-ldflags=-s', '-o', join(scratch, program), package_);
      if (built.status !== 0) return { problem: `${package_} could not be built: ${lastLine(built)}` };
    }
    // Another process may have built the same meanwhile.
    if (!existsSync(folder)) renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { programs };
}

/** The pinned modules decide what is built, so their hash names the folder. */
function folderOf(source, name) {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const hash = createHash('sha256').update(readFileSync(join(source, 'go.mod'))).update(readFileSync(join(source, 'go.sum')));
  return join(cache, 'rollcall', `etcd-${name}-${process.arch}-${hash.digest('hex').slice(0, 16)}`);
}

function goProblem(source) {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))[1];
  const version = go(source, 'version');
  if (version.error !== undefined) return `Go is not installed: etcd is built with Go ${wanted} or newer (https://go.dev/dl)`;
  // Go from 1.21 on gets the version that a module needs, unless it is told not to.
  if (version.status !== 0) return `Go cannot build etcd, which needs Go ${wanted} or newer: ${lastLine(version)}`;
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version.stdout);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor)) return '';
  return `Go ${major}.${minor} is too old: etcd is built with Go ${wanted} or newer (https://go.dev/dl)`;
}

function go(source, ...args) {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' };
  return spawnSync('go', args, { cwd: source, env, encoding: 'utf8', timeout: 900_000 });
}

function lastLine({ stderr, status, signal }) {
  return (stderr ?? '').trim().split('\n').at(-1) || `go ended with ${status ?? signal}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { programs, problem } = buildEtcd(process.argv[2] ?? 'server');
  console.log(problem ?? Object.values(programs).join('\n'));
  if (problem !== undefined) process.exitCode = 1;
}
