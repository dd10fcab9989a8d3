/** `rollcall route list`: the services that have a route. */

import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { listRoutes } from '../route-api.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';

export function addRouteList(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('list')
    .description('list the services that have a route, and what it has rules about')
    .option('--json', 'print an array of {"service", "revision", "words"}');
  addNamespacedOptions(command).action(async ({ json, ...flags }: RegistryFlags & { readonly json?: true }) => {
    const all = await listRoutes(await namespacedTargetOf(flags, terminal));
    if (json === true) printJson(terminal, all);
    else if (all.length === 0) remark(terminal, 'no service has a route');
    else printTable(terminal, ['SERVICE', 'REVISION', 'WORDS'], all.map(({ service, revision, words }) => [service, String(revision), words.join(', ')]));
  });
}
