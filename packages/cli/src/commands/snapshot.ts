/**
 * `rollcall snapshot`: backups in the format that Consul's tools read. `rollcall backup` writes Rollcall's own format, which has
 * everything once. A restore accepts both, here and as `rollcall restore`.
 */

import type { Command } from 'commander';
import { adminCall, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { receiveFile } from '../received-file.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { addRestore } from './restore.ts';
import { addSnapshotInspect } from './snapshot-inspect.ts';

export function addSnapshot(parent: Command, context: CommandContext): void {
  const { terminal } = context;
  const snapshot = parent.command('snapshot').description("save, restore and inspect backups in the format of Consul's tools");
  const save = snapshot
    .command('save')
    .description('write a snapshot of everything in the registry to a file, while it serves')
    .argument('<file>', 'the file, "-" for standard output; an existing file is replaced once the new one is complete')
    .option('--json', 'print the result as JSON');
  addExamples(addRegistryOptions(save), 'rollcall snapshot save registry.snap');
  save.action(async (file: string, { json, ...flags }: RegistryFlags & { json?: true }) => {
    const target = await targetOf(flags, terminal);
    const ask = () => adminCall({ ...target, path: '/v1/snapshot', expect: 'application/x-gzip' });
    await receiveFile(ask, { file, what: 'snapshot', json: json === true, terminal });
  });
  addRestore(snapshot, context);
  addSnapshotInspect(snapshot, context);
}
