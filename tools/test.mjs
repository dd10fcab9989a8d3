/**
 * `npm test`: all checks of this tree, from a fresh clone on.
 *
 * Installs and builds what is missing, type-checks the tests, lints, installs the Debian packages
 * that tests run against where it may, builds etcd and porcupine with Go where there is a Go, runs every test, names what
 * failed (`failed: FILE > TEST (line N): ERROR | DIFFERENCE`), and ends with one line: `N passed, N failed, N skipped`. A step
 * that fails counts as one failure, and so does a skipped test that gives no reason; with CI=true every skipped test does.
 *
 *   npm test                        everything
 *   npm test -- packages/server     arguments go to vitest
 *   npm test -- --tests-only        without the steps before the tests
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install, nodeProblem, root, run } from './prepare.mjs';

const args = process.argv.slice(2).filter((arg) => arg !== '--tests-only');
const stepsToo = args.length === process.argv.length - 2;

const problem = nodeProblem();
if (problem !== '') {
  console.error(problem);
  process.exit(1);
}

const failedSteps = [];
const tool = (path, ...rest) => run(process.execPath, [join(root, 'node_modules', path), ...rest]);

step('install', install);
if (failedSteps.length > 0) process.exit(1);
if (stepsToo) {
  step('build', build);
  step('types of tests', () => tool('typescript/bin/tsc', '-p', 'tsconfig.tests.json'));
  step('lint', () => tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings'));
  const { installDebian } = await import('../conformance/install-debian.mjs');
  installDebian();
  const { buildEtcd } = await import('../conformance/etcd/build.mjs');
  const { problem: noEtcd } = buildEtcd();
  if (noEtcd !== undefined) console.log(`no etcd: ${noEtcd}`);
  const { buildPorcupine } = await import('../conformance/cluster/build-porcupine.mjs');
  const { problem: noPorcupine } = buildPorcupine();
  if (noPorcupine !== undefined) console.log(`no porcupine: ${noPorcupine}`);
}

const { passed, failed, skipped, failures } = runTests();
for (const failure of [...failedSteps, ...failures]) console.log(`failed: ${failure}`);
console.log(`${passed} passed, ${failed + failedSteps.length} failed, ${skipped} skipped`);
process.exitCode = failed + failedSteps.length > 0 ? 1 : 0;

function step(name, action) {
  const started = performance.now();
  const ok = action();
  const seconds = (performance.now() - started) / 1000;
  console.log(`${name}: ${ok ? 'ok' : 'FAILED'} (${seconds.toFixed(1)} s)`);
  if (!ok) failedSteps.push(name);
}

function runTests() {
  const scratch = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  const file = join(scratch, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${join(root, 'tools/count-reporter.mjs')}`];
  const command = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args];
  try {
    const ok = run(process.execPath, command, { env: { ...process.env, ROLLCALL_TEST_COUNTS: file } });
    const counts = readCounts(file);
    // vitest itself may fail, for example when it finds no test.
    if (!ok && counts.failed === 0) {
      counts.failed = 1;
      counts.failures.push('vitest, although no test failed');
    }
    return { ...counts, failed: counts.failed + refusedSkips(counts) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function refusedSkips({ skipped, unexplained }) {
  if (process.env['CI'] === 'true') {
    if (skipped > 0) console.log(`CI=true: ${skipped} skipped tests count as failures`);
    return skipped;
  }
  // Tests that a name filter leaves out have no reason, and need none.
  if (args.some((arg) => arg === '-t' || arg.startsWith('--testNamePattern'))) return 0;
  return unexplained;
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    console.error('vitest ended without a result');
    return { passed: 0, failed: 1, skipped: 0, unexplained: 0, failures: ['vitest'] };
  }
}
