/** Examples of a command, below its help: each is a whole command line. */

import type { Command } from 'commander';

/** @param lines command lines, each with its purpose after `#` */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** The examples of a command, one line each. */
export function examplesOf(command: Command): string[] {
  const usual = command.configureOutput();
  let help = '';
  command.configureOutput({ ...usual, writeOut: (part) => void (help += part) });
  command.outputHelp();
  command.configureOutput(usual);
  return /\nExamples:\n((?: {2}.*\n)*)/.exec(help)?.[1]?.trim().split(/\n */) ?? [];
}
