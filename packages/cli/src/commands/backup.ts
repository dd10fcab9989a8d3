/** `rollcall backup FILE`: writes the whole registry to a file while it serves. */

import type { Command } from 'commander';
import { adminCall, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { receiveFile } from '../received-file.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';

export function addBackup(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('backup')
    .description('write a backup of everything in the registry to a file, while it serves')
    .argument('<file>', 'the file, "-" for standard output; an existing file is replaced once the new one is complete')
    .option('--json', 'print the result as JSON');
  addRegistryOptions(command).action(async (file: string, { json, ...flags }: RegistryFlags & { json?: true }) => {
    const target = await targetOf(flags, terminal);
    const ask = () => adminCall({ ...target, path: '/rollcall/v1/backup', expect: 'application/octet-stream' });
    await receiveFile(ask, { file, what: 'backup', json: json === true, terminal });
  });
}
