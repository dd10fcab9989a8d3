/** `rollcall config list [APP]`: the configurations of an environment, those that have only a draft included. */

import type { Command } from 'commander';
import { configListSchema, type ListedConfig } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';

export function addConfigList(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('list')
    .description('list the configurations of an environment, those that have only a draft included')
    .argument('[app]', 'only those of this app')
    .option('--json', 'print an array of configurations as the registry has them');
  addNamespacedOptions(command).action(async (app: string | undefined, { json, ...flags }: RegistryFlags & { json?: true }) => {
    const target = await namespacedTargetOf(flags, terminal);
    const query = new URLSearchParams({ ...(target.namespace === undefined ? {} : { environment: target.namespace }), ...(app === undefined ? {} : { app }) });
    const rows = await askAnswer(target, `/rollcall/v1/config/list?${query.toString()}`, configListSchema);
    if (json === true) printJson(terminal, rows);
    else if (rows.length === 0) remark(terminal, 'there are no configurations');
    else printTable(terminal, ['CONFIGURATION', 'CLUSTER', 'FORMAT', 'RELEASE', 'ROLLOUTS', 'DRAFT', 'BYTES', 'CHANGED'], rows.map(cells));
  });
}

function cells({ app, cluster, name, release, format, bytes, changedMs, rollouts = [], draft }: ListedConfig): string[] {
  const gray = rollouts.map((each) => `${each.name}: ${each.release}`).join(', ');
  const edited = draft === undefined ? '' : draft.remove === true ? `${draft.revision}: removal` : String(draft.revision);
  return [`${app}/${name}`, cluster, format ?? '', String(release), gray, edited, String(bytes), new Date(changedMs).toISOString()];
}
