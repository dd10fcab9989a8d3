/** docs/reference/cli.md and configuration.md against the program itself, both ways. */

import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '@rollcall/server';
import { examplesOf } from './examples.ts';
import { exitCodes } from './failure.ts';
import { createProgram } from './program.ts';
import { addNamespaceOption, addRegistryOptions } from './servers.ts';
import type { Setting } from './settings/setting.ts';
import { settingsTable } from './settings/table.ts';
import type { Terminal } from './terminal.ts';

const page = (name: string) => readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), 'utf8');
const cli = page('cli.md');
const configuration = page('configuration.md');

const terminal: Terminal = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  unread: new AbortController().signal,
};

/** Every command with its full name, from its help text. */
const commands = new Map<string, Command>();
const visit = (name: string, command: Command) => {
  commands.set(name, command);
  for (const sub of command.commands) visit(`${name} ${sub.name()}`, sub);
};
visit('rollcall', await createProgram({ terminal, setExitCode: () => {} }));

const sections = new Map(
  [...cli.matchAll(/^## `(rollcall[^`]*)`\n([^]*?)(?=^## |(?![^]))/gm)].map(([, name = '', text = '']) => [name, text]),
);

const optionsOfHelp = (command: Command) =>
  [...command.helpInformation().matchAll(/^ {2}((?:-\w, )?-(?:\w|-[\w-]+)(?: <[^>]+>)?)(?: |$)/gm)]
    .map(([, flags = '']) => flags)
    .filter((flags) => flags !== '-h, --help');

/** Options that the page describes once for all commands. */
const registryOptions = optionsOfHelp(addRegistryOptions(new Command()));
const registrySentence = 'Takes the [options of the registry](#talking-to-a-registry)';
const namespaceOptions = optionsOfHelp(addNamespaceOption(new Command()));
const namespaceSentence = `${registrySentence} and [\`--namespace\`](#namespaces)`;

describe('the page of the command line', () => {
  it('has a section for every command, and none for others', () => {
    expect([...sections.keys()].toSorted()).toEqual([...commands.keys()].toSorted());
  });

  it.each([...commands])('lists the options of `%s`, and no others', (name, command) => {
    const section = sections.get(name) ?? '';
    const listed = [...section.matchAll(/^\| `(-[^`]+)` \|/gm)].map(([, flags]) => flags);
    const referred = [
      ...(section.includes(registrySentence) ? registryOptions : []),
      ...(section.includes(namespaceSentence) ? namespaceOptions : []),
    ];
    expect([...listed, ...referred].toSorted()).toEqual(optionsOfHelp(command).toSorted());
  });

  it.each([...commands])('shows how `%s` is called', (name, command) => {
    const usage = /```text\n(.*)\n```/.exec(sections.get(name) ?? '')?.[1];
    expect(usage).toBe(/^Usage: (.*)$/m.exec(command.helpInformation())?.[1]);
  });

  it.each([...commands.values()].flatMap(examplesOf))('%s is an example that the command line takes', (line) => {
    const words = line.replace(/ +#.*$/, '').split(' ').slice(1);
    const [name = ''] = [...commands.keys()].filter((each) => `${line} `.startsWith(`${each} `)).toSorted((a, b) => b.length - a.length);
    const known = optionsOfHelp(commands.get(name) as Command).flatMap((flags) => flags.match(/-[\w-]+/g) ?? []);
    const end = words.indexOf('--');
    const used = (end < 0 ? words : words.slice(0, end)).filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/=.*/, ''));
    expect(used.filter((word) => !known.includes(word))).toEqual([]);
  });

  it('explains every exit code, and no others', () => {
    const listed = [...cli.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(exitCodes));
  });
});

describe('the page of the configuration', () => {
  const rows = [...configuration.matchAll(/^\| `(\w+)` \| ([^|]*)\| ([^|]*)\| ([^|]*)\| (.*) \|$/gm)];
  const code = (cell = '') => /`([^`]+)`/.exec(cell)?.[1];

  it('lists every setting with its names and its default, and no others', () => {
    const listed = rows.map(([, key, flag, env]) => ({ key, flag: code(flag), env: code(env) }));
    const real = Object.entries(settingsTable).map(([key, { flag, env }]: [string, Setting<unknown>]) => ({ key, flag, env }));
    expect(listed).toEqual(real);
    for (const [, key = '', , , fallback] of rows) {
      const { fallback: real } = settingsTable[key as keyof typeof settingsTable] as Setting<unknown>;
      if (real !== undefined) expect([key, code(fallback)]).toEqual([key, String(real)]);
    }
  });

  it('lists every limit with its default, and no others', () => {
    const listed = [...configuration.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [name, Number(value)]);
    expect(listed).toEqual(Object.entries(defaultLimits));
  });
});
