/** `rollcall lead NAME -- COMMAND…`: runs a program on the one machine that leads, and stops it when leadership is lost. */

import { hostname } from 'node:os';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { runFenced } from '../lock/run-fenced.ts';
import { duration } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';

interface LeadFlags extends RegistryFlags {
  readonly ttl: number;
  readonly timeout: number;
  readonly bound?: true;
  readonly again?: true;
  readonly value?: string;
  readonly passStdin?: true;
  readonly shell?: boolean;
  readonly verbose?: true;
}

export function addLead(parent: Command, context: CommandContext): void {
  const command = parent
    .command('lead')
    .description('run a program while this process leads an election: one of all that campaign in it')
    .showHelpAfterError('(the program and its arguments come after "--"; --help lists the options)')
    .argument('<name>', 'the election')
    .argument('<command...>', 'the program and its arguments, after "--"; a single word is run by the shell');
  addHoldingOptions(command);
  addExamples(addNamespacedOptions(command), 'rollcall lead billing/cron -- ./cron', "rollcall lead --ttl 5s --timeout 1m reports 'make report'");
  command.action((name: string, words: readonly string[], { ttl, timeout, bound, again, value, passStdin, shell, verbose, ...flags }: LeadFlags) =>
    runFenced(
      {
        ...{ name, words, purpose: 'election', limit: 1, ttlMs: ttl, timeoutMs: timeout, bound: bound === true, isAgain: again === true, value: value ?? hostname(), shell },
        ...{ passStdin: passStdin === true, verbose: verbose === true },
      },
      flags,
      context,
    ),
  );
}

function addHoldingOptions(command: Command): void {
  command
    .addOption(new Option('--ttl <duration>', 'time after which another leads when this process is silent: 1s to 10m').argParser(duration).default(10_000, '10s'))
    .addOption(new Option('--timeout <duration>', 'longest time to wait for leadership').argParser(duration).default(0, 'no limit'))
    .option('--bound', 'let another lead as soon as the connection of this process breaks')
    .option('--again', 'when leadership is lost, stop the program, wait to lead, and run it again')
    .option('--value <text>', 'what observers see of this process (default: the name of the host)')
    .option('--pass-stdin', 'let the program read standard input')
    .option('--shell', 'run the command in a shell, even if it has several words')
    .option('--no-shell', 'run the command without a shell')
    .option('--verbose', 'report on stderr when it waits and when it leads');
}
