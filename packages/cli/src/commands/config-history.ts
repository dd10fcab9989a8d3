/** `rollcall config history APP/NAME`: what happened to a configuration, the newest first. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags, type StepAnswer } from '../config-api.ts';
import { printTable } from '../table.ts';
import { printJson } from '../terminal.ts';

export function addConfigHistory(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('history')
    .description('list what happened to a configuration, the newest first')
    .argument('<app/name>', 'the configuration')
    .option('--json', 'print an array of steps as the registry has them');
  addConfigOptions(command).action(async (name: string, { json, ...flags }: ConfigFlags) => {
    const steps = await (await namedConfig(name, flags, terminal)).get<readonly StepAnswer[]>('/history');
    if (json === true) printJson(terminal, steps);
    else printTable(terminal, ['NUMBER', 'STEP', 'TIME', 'BY', 'WHY'], steps.map((step) => [String(step.number), what(step), new Date(step.atMs).toISOString(), step.by ?? '', step.message ?? '']));
  });
}

function what({ step, parent, of, rollout }: StepAnswer): string {
  const about = rollout === undefined ? '' : ` (rollout ${rollout})`;
  if (step === 'rollback') return `rollback to ${of ?? 0}${about}`;
  return step === 'publish' || parent === 0 ? `${step}${about}` : `${step} of ${parent}${about}`;
}
