/**
 * The acceptance suite of the npm package `consul` (silas/node-consul), unmodified, started as it starts
 * Consul: it finds `bin/consul` here, which is Rollcall. Not part of `npm test`, since no package on npm
 * has the suite, and GitHub cannot be reached from everywhere.
 *
 *   node conformance/consul/node-consul-suite.mjs            downloads the suite
 *   node conformance/consul/node-consul-suite.mjs FOLDER     a checkout of it
 *
 * It needs the built project, npm, and the ports 8500 and 8600 of 127.0.0.1 to 127.0.0.3. Ends with 0
 * when every test passes but those of `exceptions`, which must fail.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const commit = '3e81b54d21509a8be33df3338177eae74fddff30';
const archive = `https://codeload.github.com/silas/node-consul/tar.gz/${commit}`;

/** Of the files below `lib` and `test/acceptance` with their names: a change of one of them makes it another suite. */
const sha256 = '2851bc789436ec9859e72bcbfd61f6bf1d397a87aca6136659fceebc0ee7f283';

/** Tests that cannot pass, and why; told at length in `../README.md`. */
const exceptions = new Map([
  ['Agent forceLeave should remove node2 from the cluster', 'each Rollcall is a registry of its own, and joins no other'],
  [
    'Agent service register should create service with script check',
    'no program is ever run for a check, whatever the configuration says',
  ],
]);

/** Mocha's own report, and the names of all tests for us. */
const reporterSource = `
const { reporters } = require('./suite/node_modules/mocha');
module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const tests = [];
    runner.on('pass', (test) => tests.push({ name: test.fullTitle(), passed: true }));
    runner.on('fail', (test) => tests.push({ name: test.fullTitle(), passed: false }));
    runner.on('end', () => require('node:fs').writeFileSync(process.env.REPORT, JSON.stringify(tests)));
  }
};
`;

const folder = mkdtempSync(join(tmpdir(), 'rollcall-node-consul-'));
try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(given) {
  const suite = join(folder, 'suite');
  if (given === undefined) await download(suite);
  else cpSync(resolve(given), suite, { recursive: true, filter: (path) => !/[/\\](node_modules|\.git)$/.test(path) });
  const found = digest(suite);
  if (found !== sha256) throw new Error(`this is not the suite of ${commit}: its files have the SHA-256 ${found}`);
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: suite, stdio: 'ignore' });
  const report = join(folder, 'report.json');
  const reporter = join(folder, 'reporter.cjs');
  writeFileSync(reporter, reporterSource);
  // As in its own `npm run acceptance`, without measuring coverage.
  const options = ['--recursive', '--check-leaks', '--timeout', '30000', '--reporter', reporter];
  const env = {
    ...process.env,
    ACCEPTANCE: 'true',
    CONSUL_BIN: fileURLToPath(new URL('bin/consul', import.meta.url)),
    REPORT: report,
  };
  run(process.execPath, [join(suite, 'node_modules/mocha/bin/mocha.js'), 'test/acceptance', ...options], {
    ...{ cwd: suite, stdio: 'inherit', env, anyCode: true },
  });
  return verdict(JSON.parse(readFileSync(report, 'utf8')));
}

function verdict(tests) {
  const failed = tests.filter(({ passed }) => !passed).map(({ name }) => name);
  const unexpected = failed.filter((name) => !exceptions.has(name));
  const mended = [...exceptions.keys()].filter((name) => !failed.includes(name));
  console.log(`${tests.length} tests: ${tests.length - failed.length} passed, ${failed.length} failed`);
  for (const name of failed) console.log(`  ${name}: ${exceptions.get(name) ?? 'not expected'}`);
  for (const name of mended) console.log(`  ${name}: expected to fail, and did not`);
  return unexpected.length === 0 && mended.length === 0 && tests.length > 0 ? 0 : 1;
}

async function download(suite) {
  const answer = await fetch(archive).catch((error) => {
    throw new Error(`${archive} cannot be reached (${error.cause?.code ?? error.message}); name a folder that has the suite`);
  });
  if (!answer.ok) throw new Error(`${archive} answers ${answer.status}`);
  const file = join(folder, 'suite.tar.gz');
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  run('tar', ['-xzf', file, '-C', folder]);
  cpSync(join(folder, `node-consul-${commit}`), suite, { recursive: true });
}

function digest(suite) {
  const hash = createHash('sha256');
  for (const part of ['lib', 'test/acceptance']) {
    const root = join(suite, part);
    if (!existsSync(root)) continue;
    const names = readdirSync(root, { recursive: true }).map(String).filter((name) => name.endsWith('.js')).sort();
    for (const name of names) hash.update(`${part}/${name}\0`).update(readFileSync(join(root, name))).update('\0');
  }
  return hash.digest('hex');
}

function run(command, args, { anyCode = false, ...options } = {}) {
  const { status, error } = spawnSync(command, args, options);
  if (error !== undefined) throw error;
  if (status !== 0 && !anyCode) throw new Error(`${command} ${args[0]} ended with ${status}`);
}
