/**
 * Builds a current Prometheus from its Go modules, since Debian's is older; with the discoveries that the tests use only. It takes minutes and is
 * kept in the user's cache, so it is a command of its own. Standard library only.
 *
 *   node conformance/prometheus/build.mjs                                                     builds it, and prints where it is
 *   ROLLCALL_PROMETHEUS=$(node conformance/prometheus/build.mjs) npx vitest run prometheus   runs the tests with it
 */

import { fileURLToPath } from 'node:url';
import { buildGo } from '../go-program.mjs';

const tags = 'remove_all_sd,enable_consul_sd,enable_http_sd,enable_static_sd';

/** @returns the path of each program by its name, or what is missing to build it */
export function buildPrometheus() {
  return buildGo(fileURLToPath(new URL('server', import.meta.url)), 'prometheus-server', { prometheus: 'github.com/prometheus/prometheus/cmd/prometheus' }, tags);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { programs, problem } = buildPrometheus();
  console.log(problem ?? programs['prometheus']);
  if (problem !== undefined) process.exitCode = 1;
}
