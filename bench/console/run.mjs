/**
 * Runs the budgets of the console in Chromium, the one of memory in its long form (1,000 changes in ten real minutes), and writes RESULTS.md beside this file.
 * The budgets are in packages/console/src/budgets.test.ts.
 *
 *   npm run build && npm run console:soak
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../conformance/install-debian.mjs';
import { targetReport } from '../target-report.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = findProgram('chromium');
if (program === undefined) {
  console.error('Chromium is not installed; install it by: apt-get install chromium');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'rollcall-console-'));
const file = join(folder, 'measured');
writeFileSync(file, '');
const loadAtBegin = loadavg()[0] ?? 0;
try {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'packages/console/src/budgets.test.ts'], {
    ...{ cwd: root, stdio: 'inherit' },
    env: { ...process.env, ROLLCALL_SOAK: '1', ROLLCALL_MEASURED: file },
  });
  const rows = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  if (rows.length > 0) writeFileSync(new URL('RESULTS.md', import.meta.url), reportOf(rows));
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

function reportOf(rows) {
  const browser = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return targetReport({
    title: 'The console',
    intro: 'Written by `npm run console:soak`. The server with the built console and the browser run on the same machine. Work is the time in which the thread of the page was busy, by its own trace.',
    rows,
    remarks: [`- Browser: ${browser}`, `- Load of the machine at the begin: ${loadAtBegin.toFixed(1)}`],
  });
}
