/**
 * Reads command lines in Consul's form: `-name=value` with one dash, switches with a value
 * (`-detailed=false`), `-format=json`, and the names of Consul's connection options. `rollcall agent` has
 * another kind of flags (`consul-agent-flags.ts`).
 * Source: https://developer.hashicorp.com/consul/commands, and Go's package flag, which reads them.
 */

import type { Command, Option } from 'commander';
import { usage } from './failure.ts';

/** Consul's name and ours. */
const otherNames: Readonly<Record<string, string>> = {
  'http-addr': 'addr',
  'client-cert': 'cert-file',
  'client-key': 'key-file',
  // The name in `lock` before `-timeout` existed.
  try: 'timeout',
};

/** @throws CommandFailure `usage` for a token on the command line, and for a switch that is neither true nor false */
export function acceptConsulStyle(args: readonly string[], program: Command): string[] {
  if (args[0] === 'agent') return [...args];
  // With one dash, print the version of Consul that `/v1/agent/self` reports: Consul's tools read it.
  if (args[0] === 'version' && args.slice(1).join('=') === '-format=json') return ['version', '--consul'];
  const { command, operands } = commandIn(args, program);
  const accepted = args.slice(0, operands);
  const rest = args.slice(operands);
  while (rest.length > 0) {
    const arg = rest.shift() as string;
    const flag = flagIn(arg);
    // The words after them belong to another program.
    if (arg === '--') return [...accepted, arg, ...rest];
    if (flag === undefined && !rest.includes('--') && stopsAtOperand(command, accepted)) return [...accepted, '--', arg, ...rest];
    const option = flag === undefined ? undefined : optionOf(command, flag.name);
    if (flag === undefined) accepted.push(arg);
    else if (option === undefined) accepted.push(...withoutOption(arg, flag, command, rest));
    else if (option.isBoolean()) accepted.push(...toggle(flag, command));
    else if (flag.value !== undefined) accepted.push(...(flag.name.length === 1 ? [`-${flag.name}`, flag.value] : [`${option.long ?? ''}=${flag.value}`]));
    else accepted.push(flag.name.length === 1 ? `-${flag.name}` : (option.long ?? ''), ...rest.splice(0, 1));
  }
  return accepted;
}

/** The command that the first words name, and the number of these words. */
function commandIn(args: readonly string[], program: Command): { command: Command; operands: number } {
  let command = program;
  let operands = 0;
  for (;;) {
    const next = command.commands.find((each) => each.name() === args[operands]);
    if (next === undefined) return { command, operands };
    command = next;
    operands++;
  }
}

interface Flag {
  readonly name: string;
  /** After `=`. */
  readonly value: string | undefined;
}

function flagIn(arg: string): Flag | undefined {
  const match = /^--?([a-zA-Z][\w-]*)(?:=([^]*))?$/.exec(arg);
  return match === null ? undefined : { name: match[1] ?? '', value: match[2] };
}

/** In Consul's commands all options come before the program to run. Ours may be anywhere, but these follow Consul. */
function stopsAtOperand(command: Command, accepted: readonly string[]): boolean {
  if (command.name() === 'lock' || command.name() === 'lead') return true;
  return command.name() === 'watch' && accepted.some((arg) => /^--type(=|$)/.test(arg));
}

function optionOf({ options }: Command, given: string): Option | undefined {
  const name = Object.hasOwn(otherNames, given) ? (otherNames[given] ?? given) : given;
  return options.find(({ long, short }) => long === `--${name}` || long === `--no-${name}` || short === `-${name}`);
}

/** Options of Consul that this command does not have. */
function withoutOption(arg: string, { name, value }: Flag, command: Command, rest: string[]): string[] {
  const asksRegistry = optionOf(command, 'token-file') !== undefined;
  if (name === 'token' && asksRegistry) {
    throw usage('a token on the command line can be read by every user of this machine; name a file with --token-file, or set ROLLCALL_TOKEN');
  }
  // Reads come from memory, and are never older than the registry that answers.
  if (name === 'stale' && asksRegistry) return [];
  if (name === 'format' && optionOf(command, 'json') !== undefined) {
    const format = value ?? rest.shift();
    if (format === 'json') return ['--json'];
    if (format === 'pretty') return [];
    throw usage(`-format: ${JSON.stringify(format ?? '')} is unknown; write json or pretty`);
  }
  return [arg];
}

function toggle({ name, value }: Flag, command: Command): string[] {
  const on = value === undefined || truth(name, value);
  if (name.length === 1) return on ? [`-${name}`] : [];
  // `-shell=false` is `--no-shell` here. A switch that is on by default has only that form.
  const wanted = on ? `--${name}` : `--no-${name}`;
  return command.options.some(({ long }) => long === wanted) ? [wanted] : [];
}

/** As Go reads booleans. @throws CommandFailure `usage` */
export function truth(name: string, value: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw usage(`-${name}: ${JSON.stringify(value)} is neither true nor false`);
}
