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

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignSuite, run } from '../foreign-suite.mjs';

const commit = '3e81b54d21509a8be33df3338177eae74fddff30';
const sha256 = '2851bc789436ec9859e72bcbfd61f6bf1d397a87aca6136659fceebc0ee7f283';

/** Tests that cannot pass, with reasons; `../README.md` explains them. */
const exceptions = new Map([
  ['Agent forceLeave should remove node2 from the cluster', 'each Rollcall is a separate registry, and joins no other'],
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
  const suite = await foreignSuite({ folder, given, repository: 'silas/node-consul', commit, sha256, parts: ['lib', 'test/acceptance'] });
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
