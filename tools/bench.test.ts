/** The command line of the benchmark. No row is measured here. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './source-files.ts';

const rows = readdirSync(join(root, 'bench/rows')).map((name) => name.replace(/\.mjs$/, ''));

function bench(...args: string[]) {
  return started('run.mjs', args);
}

function started(program: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(root, 'bench', program), ...args], { encoding: 'utf8', timeout: 60_000 });
}

it.each(['--help', '-h'])('%s prints the usage with the name of every row', (flag) => {
  const { status, stdout, stderr } = bench(flag);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const listed = /^Rows: (.*)$/m.exec(stdout)?.[1]?.split(', ') ?? [];
  expect(listed.toSorted()).toEqual(rows.toSorted());
});

it.each([
  ['an unknown row', ['--only', 'no-such'], 'there is no row no-such'],
  ['an unknown option', ['--no-such'], "Unknown option '--no-such'"],
  ['an option without its value', ['--only'], "Option '--only <value>' argument missing"],
])('%s gets an error and the usage, without a stack trace', (_what, args, message) => {
  const { status, stdout, stderr } = bench(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('usage: npm run bench');
  expect(stderr).not.toContain('    at ');
});

it.each([
  ['no commit', [], 'name the commit to compare with'],
  ['an unknown row', ['--base', 'HEAD', '--only', 'no-such'], 'there is no row no-such'],
  ['rounds that are no number', ['--base', 'HEAD', '--rounds', '0'], '--rounds 0 is no number'],
])('the comparison with another commit refuses %s, with the usage', (_what, args, message) => {
  const { status, stdout, stderr } = started('ab.mjs', args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('usage: node bench/ab.mjs');
  expect(stderr).not.toContain('    at ');
});
