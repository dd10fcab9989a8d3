/**
 * Writes the man page of the built command line to `rollcall.1` beside this file, or elsewhere. A test compares the file with
 * what this would write.
 *
 *   node packages/cli/man/generate.mjs [file]
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PassThrough } from 'node:stream';

const { commandTable } = await import('../dist/command-table.js');
const { manPage } = await import('../dist/man-page.js');
const { createProgram } = await import('../dist/program.js');
const { ownVersion } = await import('../dist/commands/version.js');

const terminal = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, unread: new AbortController().signal };
const table = commandTable(await createProgram({ terminal, setExitCode: () => {} }));
writeFileSync(process.argv[2] ?? fileURLToPath(new URL('rollcall.1', import.meta.url)), manPage(table, ownVersion()));
