/**
 * Builds a real etcd from its Go modules, since Debian's is older than Rollcall accepts. The modules are pinned by version and hash in
 * `server/` (etcd and etcdutl) and `benchmark/` (etcd's own load generator). A build takes about a minute on two cores and is kept in
 * the user's cache; later calls find it. Standard library only.
 *
 *   node conformance/etcd/build.mjs             builds etcd and etcdutl, and prints where they are
 *   node conformance/etcd/build.mjs benchmark   builds the load generator
 */

import { fileURLToPath } from 'node:url';
import { buildGo } from '../go-program.mjs';

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
  return buildGo(fileURLToPath(new URL(name, import.meta.url)), `etcd-${name}`, builds[name]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { programs, problem } = buildEtcd(process.argv[2] ?? 'server');
  console.log(problem ?? Object.values(programs).join('\n'));
  if (problem !== undefined) process.exitCode = 1;
}
