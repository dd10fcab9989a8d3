/** Examples of a command, below its help: each is a whole command line. */

import type { Command } from 'commander';

/** @param lines what one would type, and after `#` what for */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}
