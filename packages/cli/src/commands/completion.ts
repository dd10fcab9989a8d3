/** `rollcall completion SHELL`: prints a script that lets a shell complete commands and options; it is generated from the commands. */

import { Argument, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { commandTable } from '../command-table.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { addExamples } from '../examples.ts';

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function addCompletion(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('completion')
    .description('print a script that lets a shell complete commands and options of rollcall')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)));
  addExamples(
    command,
    'rollcall completion bash > /etc/bash_completion.d/rollcall',
    'rollcall completion zsh > /usr/local/share/zsh/site-functions/_rollcall',
    'rollcall completion fish > ~/.config/fish/completions/rollcall.fish',
  );
  command.action((shell: keyof typeof scripts) => {
    terminal.stdout.write(scripts[shell](commandTable(parent)));
  });
}
