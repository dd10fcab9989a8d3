/** The closing line of `npm test` and its exit code, over small trees of tests. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

const trees: string[] = [];

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

/** Runs the tests of one file, and gives the last line, the exit code, and the lines about skips and failures. */
function count(body: string, env: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
  const tree = mkdtempSync(join(tmpdir(), 'rollcall-count-'));
  trees.push(tree);
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  writeFileSync(join(tree, 'a.test.mjs'), `import { describe, expect, it, beforeAll } from 'vitest';\n${body}\n`);
  const command = [join(root, 'tools/test.mjs'), '--tests-only', `--root=${tree}`, ...args];
  const { CI: _ci, ...inherited } = process.env;
  const { stdout, status } = spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...inherited, ...env } });
  const lines = stdout.trimEnd().split('\n');
  return { last: lines.at(-1), status, told: lines.filter((line) => /^(skipped|failed): /.test(line)) };
}

const good = "it('is good', () => {});";
const noted = "it('is tired', ({ skip }) => skip('no bed'));";

describe('the closing line', () => {
  it.each([
    ['tests that pass', good, '1 passed, 0 failed, 0 skipped', 0],
    ['a test that fails', `${good} it('is bad', () => { throw new Error('so'); });`, '1 passed, 1 failed, 0 skipped', 1],
    ['a hook that fails', `${good} describe('b', () => { beforeAll(() => { throw 1; }); it('c', () => {}); });`, '1 passed, 2 failed, 1 skipped', 1],
    ['a file that cannot be read', "import './gone.mjs';", '0 passed, 1 failed, 0 skipped', 1],
    ['an error without a handler', `it('a', () => { setTimeout(() => { throw new Error('late'); }); return new Promise((r) => setTimeout(r, 50)); });`, '1 passed, 1 failed, 0 skipped', 1],
    ['no test at all', '', '0 passed, 1 failed, 0 skipped', 1],
    ['a skip with a note', good + noted, '1 passed, 0 failed, 1 skipped', 0],
    ['a skip with a reason in its name', `${good} it.skip('b (left out: no bed)', () => {});`, '1 passed, 0 failed, 1 skipped', 0],
    ['a skip without a reason', `${good} it.skip('b', () => {});`, '1 passed, 1 failed, 1 skipped', 1],
  ])('counts %s', (_what, body, last, status) => {
    expect(count(body)).toMatchObject({ last, status });
  });

  it('takes a skip for a failure in continuous integration', () => {
    expect(count(good + noted, { CI: 'true' })).toMatchObject({ last: '1 passed, 1 failed, 1 skipped', status: 1 });
  });

  it('says why each test was skipped', () => {
    expect(count(good + noted).told).toEqual(['skipped: a.test.mjs > is tired: no bed']);
  });

  it.each([
    ['a test', "describe('s', () => it('is bad', () => { throw new Error('so\\nand so'); }));", 'failed: a.test.mjs > s > is bad (line 2): so'],
    ['a comparison', "it('is bad', () => { expect({ a: { b: 1 } }).toEqual({}); });", 'failed: a.test.mjs > is bad (line 2): expected { a: { b: 1 } } to deeply equal {} | - {} + { + "a": { + "b": 1, + }, + }'],
    ['a hook', `describe('s', () => { beforeAll(() => { throw new Error('no'); }); ${good} });`, 'failed: a.test.mjs > s (line 2): no'],
  ])('names %s that failed just before it', (_what, body, line) => {
    expect(count(body).told).toContain(line);
  });

  it('asks for no reason when a name was filtered for', () => {
    const { last, status } = count(`${good} it('b', () => {});`, {}, ['-t', 'good']);
    expect({ last, status }).toEqual({ last: '1 passed, 0 failed, 1 skipped', status: 0 });
  });
});
