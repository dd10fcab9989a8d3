/**
 * Installs the Debian packages of the real programs that tests and benchmarks run: as root on a
 * Debian-like machine by apt-get, elsewhere not at all. It lists packages that are still missing, with
 * the reason; tests that need them are skipped with it. Standard library only.
 *
 *   node conformance/install-debian.mjs
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program that a test starts, or a file of a library without one, its package, and its purpose. */
export const programs = [
  { program: 'vmagent', package: 'victoria-metrics', purpose: 'conformance: discovery by consul_sd_configs and http_sd_configs' },
  { program: 'dig', package: 'bind9-dnsutils', purpose: 'conformance/dns' },
  { program: 'haproxy', package: 'haproxy', purpose: 'conformance/dns' },
  { program: 'faketime', package: 'faketime', purpose: 'conformance/cluster: clocks that jump' },
  { program: 'strace', package: 'strace', purpose: 'engine/embedded: that acknowledgements follow the flush' },
  { program: 'zsh', package: 'zsh', purpose: 'cli: completion' },
  { program: 'fish', package: 'fish', purpose: 'cli: completion' },
  { program: 'mandoc', package: 'mandoc', purpose: 'cli: the man page' },
  { program: 'systemd-analyze', package: 'systemd', purpose: 'deploy/systemd, and that a service tells systemd when it is ready' },
  { program: 'nc', package: 'netcat-openbsd', purpose: 'packages/cli: reads the messages for systemd' },
  { program: 'promtool', package: 'prometheus', purpose: 'alert rules, the dashboard, and discovery by http_sd_configs' },
  { program: 'etcd', package: 'etcd-server', purpose: 'engine/etcd: that an etcd older than 3.6 is refused' },
  { program: 'go', package: 'golang-go', purpose: 'conformance/etcd: builds a current etcd' },
  { program: '/usr/lib/python3/dist-packages/kazoo/client.py', package: 'python3-kazoo', purpose: 'conformance/zookeeper' },
  { program: 'initdb', package: 'postgresql', purpose: 'conformance/election: the fence in SQL' },
  { program: 'chromium', package: 'chromium', purpose: 'packages/console: pages in a real browser' },
  { program: 'wrk', package: 'wrk', purpose: 'bench: load (autocannon is used without it)' },
];

/** The programs of PostgreSQL are in a folder for each version. */
const postgres = '/usr/lib/postgresql';

/** Path of an installed program; undefined when there is none. Servers live where only root looks. A whole path is that of one file. */
export function findProgram(program, path = defaultPath()) {
  if (program.startsWith('/')) return existsSync(program) ? program : undefined;
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}

function defaultPath() {
  const versions = existsSync(postgres) ? readdirSync(postgres) : [];
  return [process.env['PATH'] ?? '', '/usr/sbin', ...versions.map((version) => join(postgres, version, 'bin'))].join(delimiter);
}

/** Installs missing programs if it may; returns those that are still missing. */
export function installDebian() {
  const missing = () => programs.filter(({ program }) => findProgram(program) === undefined);
  const wanted = missing();
  if (wanted.length === 0) return [];
  const problem = whyNot() || aptGet(wanted.map((entry) => entry.package));
  const left = missing();
  for (const entry of left) {
    console.log(`not installed: ${entry.package} (${entry.purpose}): ${problem || 'the package has no such program'}`);
  }
  return left;
}

function whyNot() {
  if (findProgram('apt-get') === undefined) return 'this machine has no apt-get';
  if (process.getuid?.() !== 0) return 'only root may install it: sudo apt-get install it once';
  return '';
}

/** Empty on success, otherwise the last line of the complaint. */
function aptGet(packages) {
  const apt = (...args) =>
    spawnSync('apt-get', ['-y', '-q', ...args], {
      encoding: 'utf8',
      timeout: 600_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  console.log(`installing Debian packages: ${packages.join(' ')}`);
  const install = () => apt('install', '--no-install-recommends', ...packages);
  let result = install();
  if (result.status !== 0 && apt('update').status === 0) result = install();
  if (result.status === 0) return '';
  return (result.stderr ?? '').trim().split('\n').at(-1) || `apt-get ended with ${result.status ?? result.signal}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = installDebian().length === 0 ? 0 : 1;
