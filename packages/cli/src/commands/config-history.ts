/** `rollcall config history APP/NAME`: what happened to a configuration, the newest first. */

import type { Command } from 'commander';
import { configHistorySchema, type ConfigSettingChange, type ConfigStep } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printTable } from '../table.ts';
import { printJson } from '../terminal.ts';

export function addConfigHistory(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('history')
    .description('list what happened to a configuration, the newest first')
    .argument('<app/name>', 'the configuration')
    .option('--json', 'print an array of steps as the registry has them');
  addConfigOptions(command).action(async (name: string, { json, ...flags }: ConfigFlags) => {
    const steps = await (await namedConfig(name, flags, terminal)).get('/history', configHistorySchema);
    if (json === true) printJson(terminal, steps);
    else printTable(terminal, ['NUMBER', 'STEP', 'TIME', 'BY', 'WHY'], steps.map((step) => [String(step.number), what(step), new Date(step.atMs).toISOString(), step.by ?? '', step.message ?? '']));
  });
}

function what({ step, parent, of, rollout, changes = [] }: ConfigStep): string {
  const about = rollout === undefined ? '' : ` (rollout ${rollout})`;
  const changed = changes.length === 0 ? '' : `${step === 'settings' ? '' : ', settings'}: ${changes.map(change).join(', ')}`;
  if (step === 'rollback') return `rollback to ${of ?? 0}${about}`;
  return `${step === 'publish' || step === 'settings' || parent === 0 ? step : `${step} of ${parent}`}${about}${changed}`;
}

/** Long values are only named; `--json` has them. */
function change({ setting, before, after }: ConfigSettingChange): string {
  const [from, to] = [short(before), short(after)];
  return from === undefined || to === undefined ? setting : `${setting} ${from} → ${to}`;
}

const shortMax = 40;

function short(value: unknown): string | undefined {
  if (value === undefined) return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > shortMax ? undefined : text;
}
