/**
 * Writes the man page of the command line from its table of commands, in the macros of man(7)
 * (https://mandoc.bsd.lv/man/man.7.html). Pure; `man/generate.mjs` writes it to its file.
 */

import type { CommandEntry, OptionEntry } from './command-table.ts';
import { exitCodes } from './failure.ts';

/** Date of the last review of its text, not of its generation, so that the same table gives the same page. */
const date = '2026-11-29';

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'it worked',
  failure: 'the registry or this machine refused; the message says why',
  usage: 'the command line, the environment or the configuration file is wrong; nothing was tried',
  notFound: 'there is no such service, key, instance or member',
  unreachable: 'no registry answered',
  addressTaken: 'serve: the address cannot be listened on',
  storeRefused: 'serve, migrate: the data directory or etcd cannot be used',
  storeDamaged: 'serve: the store is damaged; restore a backup',
  publicBindRefused: 'serve: the address is reachable from other machines and nothing would protect it',
  denied: 'the registry does not know the token, or the token lacks a permission',
  notExecutable: 'run, lock, lead, watch: the program cannot be executed',
  programNotFound: 'run, lock, lead, watch: there is no such program',
};

/** @param version that of the program */
export function manPage(table: readonly CommandEntry[], version: string): string {
  const ofRegistry = table.flatMap(({ options }) => options.filter((option) => option.ofRegistry));
  const registryOptions = [...new Map(ofRegistry.map((option) => [option.flags, option])).values()];
  const lines = [
    `.\\" Made by man/generate.mjs of the commands themselves; changes belong there.`,
    `.TH ROLLCALL 1 ${date} "Rollcall ${version}"`,
    '.SH NAME',
    'rollcall \\- service registry, discovery and configuration centre',
    '.SH SYNOPSIS',
    '.B rollcall',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    text('Rollcall keeps which services run where and how they are, keys with values, and locks, and answers over Consul\'s HTTP API, DNS and a stream of its own. "rollcall serve" runs a registry; most other commands ask one.'),
    '.PP',
    text('Results go to standard output, remarks and errors to standard error. With --json, commands print JSON: one document, or one per line when they go on.'),
    '.SH COMMANDS',
    ...table.filter(({ commands, path }) => path !== '' && (commands.length === 0 || path === 'services')).flatMap(command),
    '.SH OPTIONS OF THE REGISTRY',
    text('Commands that ask a registry take these.'),
    ...registryOptions.flatMap(option),
    '.SH EXIT STATUS',
    ...Object.entries(exitMeanings).flatMap(([name, meaning]) => ['.TP', `.B ${exitCodes[name as keyof typeof exitCodes]}`, text(meaning)]),
    '.SH SEE ALSO',
    text('"rollcall COMMAND --help" says the same of one command. Full documentation comes with the sources, in docs/reference/cli.md.'),
  ];
  return `${lines.join('\n')}\n`;
}

function command({ path, usage, description, arguments: operands, options, examples }: CommandEntry): string[] {
  const own = options.filter((option) => !option.ofRegistry);
  const asksRegistry = own.length < options.length;
  return [
    `.SS ${escaped(`rollcall ${path}`)}`,
    '.nf',
    literal(usage),
    '.fi',
    '.PP',
    text(`${description.slice(0, 1).toUpperCase()}${description.slice(1)}.${asksRegistry ? ' Takes the options of the registry.' : ''}`),
    ...operands.flatMap((operand) => (operand.description === '' ? [] : ['.TP', `.I ${escaped(operand.name)}`, text(operand.description)])),
    ...own.flatMap(option),
    ...(examples.length === 0 ? [] : ['.PP', examples.length === 1 ? 'Example:' : 'Examples:', '.PP', '.nf', '.RS 4', ...examples.map(literal), '.RE', '.fi']),
  ];
}

function option({ flags, description }: OptionEntry): string[] {
  return ['.TP', `.B ${escaped(flags)}`, text(description)];
}

/** Filled text, in lines of at most 79 bytes where words are short enough. */
function text(words: string): string {
  const lines = [''];
  for (const word of escaped(words).split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + word.length < 79) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map(noMacro).join('\n');
}

/** A line without filling, of any length. */
function literal(line: string): string {
  return noMacro(escaped(line));
}

/** A text line that begins with a full stop would be read as a macro. */
function noMacro(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line;
}

/** Writes hyphens as minus signs, so that copied commands work, and escapes quotes, which would delimit an argument. */
function escaped(line: string): string {
  return line
    .replaceAll('\\', '\\(rs')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
}
