/** The shipped man page describes the present commands, and mandoc accepts it without a warning. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { commandTable } from './command-table.ts';
import { ownVersion } from './commands/version.ts';
import { manPage } from './man-page.ts';
import { createProgram } from './program.ts';

const file = fileURLToPath(new URL('../man/rollcall.1', import.meta.url));
const terminal = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  unread: new AbortController().signal,
};
const table = commandTable(await createProgram({ terminal, setExitCode: () => {} }));

it('is current; after a change of commands: npm run build && node packages/cli/man/generate.mjs', () => {
  expect(readFileSync(file, 'utf8')).toBe(manPage(table, ownVersion()));
});

it('is part of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { man: string; files: string[] };
  expect(manifest.man).toBe('./man/rollcall.1');
  expect(manifest.files).toContain('man/rollcall.1');
});

it('causes no warning of mandoc', ({ skip }) => {
  skip(spawnSync('mandoc', ['-h']).error !== undefined, 'mandoc is not installed; `node conformance/install-debian.mjs` installs it on Debian');
  const { stdout, stderr, status } = spawnSync('mandoc', ['-Tlint', '-Wstyle', file], { encoding: 'utf8' });
  expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
});

it('shows every command with its options, as mandoc prints it', ({ skip }) => {
  skip(spawnSync('mandoc', ['-h']).error !== undefined, 'mandoc is not installed; `node conformance/install-debian.mjs` installs it on Debian');
  // oxlint-disable-next-line no-control-regex -- mandoc prints bold letters twice, with a backspace between them
  const printed = spawnSync('mandoc', ['-Tascii', '-Owidth=300', file], { encoding: 'utf8' }).stdout.replace(/.\u0008/g, '');
  for (const { path, commands, options, examples } of table) {
    if (commands.length > 0 && path !== 'services') continue;
    for (const shown of [`rollcall ${path}`, ...options.map(({ flags }) => flags), ...examples]) expect(printed).toContain(shown);
  }
});
