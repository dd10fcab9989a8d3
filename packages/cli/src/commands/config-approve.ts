/** `rollcall config approve APP/NAME NUMBER`: shows what a proposal changes, or approves it. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printDiff, type DiffLine } from '../diff-text.ts';
import { addExamples } from '../examples.ts';
import { count } from '../option-values.ts';
import { print, printJson } from '../terminal.ts';

interface ApproveFlags extends ConfigFlags {
  readonly show?: true;
}

interface Proposal {
  readonly missing: number;
  readonly diff: readonly DiffLine[];
}

export function addConfigApprove(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('approve')
    .description('approve a proposal')
    .argument('<app/name>', 'the configuration')
    .argument('<number>', 'the proposal', count(Number.MAX_SAFE_INTEGER))
    .option('--show', 'only show what it changes')
    .option('--json', 'print {"done", "missing"}, or with --show the whole proposal');
  addExamples(addAuthorOptions(command), 'rollcall config approve shop/app.yaml 42 --show', 'rollcall config approve shop/app.yaml 42');
  command.action(async (name: string, number: number, { show, json, ...flags }: ApproveFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const read = () => config.get<Proposal>('/proposal', { number: String(number) });
    if (show === true) {
      const proposal = await read();
      if (json === true) printJson(terminal, proposal);
      else printDiff(terminal, proposal.diff);
      return;
    }
    const { done } = await config.post<{ readonly done: boolean }>('/proposal/approve', { number });
    const { missing } = await read();
    if (json === true) printJson(terminal, { done, missing });
    else if (missing > 0) print(terminal, `proposal ${number} of ${name} waits for ${missing} more`);
    else print(terminal, `proposal ${number} of ${name} has its approvals: rollcall config publish ${name} --proposal ${number}`);
  });
}
