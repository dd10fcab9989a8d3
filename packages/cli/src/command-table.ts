/** All commands with their options, as plain data for completion scripts and the man page. */

import { Command, Help, type Argument, type Option } from 'commander';
import { examplesOf } from './examples.ts';
import { addRegistryOptions } from './servers.ts';

export interface CommandEntry {
  /** Without the program's name: `kv get`; empty for the program itself. */
  readonly path: string;
  /** `rollcall kv get [options] <key>` */
  readonly usage: string;
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  /** Without `--help`. */
  readonly options: readonly OptionEntry[];
  /** The names of the commands below it. */
  readonly commands: readonly string[];
  /** Command lines. */
  readonly examples: readonly string[];
}

export interface OptionEntry {
  /** `-n <count>` */
  readonly flags: string;
  /** `--name` and `-n`, without their values. */
  readonly names: readonly string[];
  readonly description: string;
  /** The text between the angle brackets; undefined for a switch. */
  readonly value: string | undefined;
  /** The allowed values; empty when any value is allowed. */
  readonly choices: readonly string[];
  /** Whether it is an option for the connection to a registry. */
  readonly ofRegistry: boolean;
}

/** The program first, each command before those below it. */
export function commandTable(program: Command): CommandEntry[] {
  const help = new Help();
  const ofRegistry = new Set(addRegistryOptions(new Command()).options.map(({ flags }) => flags));
  const entry = (path: string, command: Command): CommandEntry[] => {
    const below = help.visibleCommands(command).filter((each) => each.name() !== 'help');
    return [
      {
        path,
        usage: help.commandUsage(command),
        description: command.description(),
        arguments: command.registeredArguments.map((argument) => ({ name: nameOf(argument), description: argument.description })),
        options: help
          .visibleOptions(command)
          .filter(({ long }) => long !== '--help')
          .map((option) => ({ ...optionEntry(option), description: help.optionDescription(option), ofRegistry: ofRegistry.has(option.flags) })),
        commands: below.map((each) => each.name()),
        examples: examplesOf(command),
      },
      ...below.flatMap((each) => entry(`${path} ${each.name()}`.trim(), each)),
    ];
  };
  return entry('', program);
}

function nameOf(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionEntry({ flags, long, short, argChoices }: Option): Pick<OptionEntry, 'flags' | 'names' | 'value' | 'choices'> {
  return {
    flags,
    names: [long, short].filter((name) => name !== undefined && name !== null),
    value: /<([^>]+)>/.exec(flags)?.[1],
    choices: argChoices ?? [],
  };
}
