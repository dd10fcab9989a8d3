/** `rollcall config old-keys`: which configurations still need an older key than the newest one. */

import type { Command } from 'commander';
import { oldKeysSchema } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson } from '../terminal.ts';

interface OldKeysFlags extends RegistryFlags {
  readonly json?: true;
}

export function addConfigOldKeys(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('old-keys')
    .description('list the configurations with secrets that need an older key than the newest one; a key that none needs may be removed')
    .option('--json', 'print an array of {"environment", "app", "cluster", "name", "keys", "parts"}');
  addNamespacedOptions(command).action(async ({ json, ...flags }: OldKeysFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    const query = new URLSearchParams(target.namespace === undefined ? {} : { environment: target.namespace });
    const found = await askAnswer(target, `/rollcall/v1/config/old-keys?${query.toString()}`, oldKeysSchema);
    if (json === true) printJson(terminal, found);
    else if (found.length === 0) print(terminal, 'no configuration that you may read needs an older key');
    else printTable(terminal, ['CONFIGURATION', 'CLUSTER', 'KEYS', 'IN'], found.map(({ app, cluster, name, keys, parts }) => [`${app}/${name}`, cluster, keys.join(', '), parts.join(', ')]));
  });
}
