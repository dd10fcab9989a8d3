/** Which commands a process loads. */

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { commands, createProgram } from './program.ts';

const terminal = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, unread: new AbortController().signal };
const namesOf = async (first?: string) => (await createProgram({ terminal, setExitCode: () => {} }, first)).commands.map((command) => command.name());

describe('the list of commands', () => {
  it.each(Object.keys(commands).filter((name) => name !== 'completion'))('has %s under its own name, and loads it alone', async (name) => {
    expect(await namesOf(name)).toEqual([name]);
  });

  it.each([undefined, '', '--help', 'help', 'srve', 'completion', 'toString'])('is complete when the first word is %j', async (first) => {
    expect(await namesOf(first)).toEqual(Object.keys(commands));
  });
});
