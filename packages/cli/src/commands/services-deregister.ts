/** `rollcall services deregister`: removes instances from this machine's node. */

import type { Command } from 'commander';
import { namespacedTargetOf, tellRegistry } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { idOf, servicesIn } from '../definition-files.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible } from '../terminal.ts';

export function addServicesDeregister(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('deregister')
    .description('remove services from this machine\'s node')
    .argument('[file...]', 'files with definitions of services, as they were registered')
    .option('--id <id>', 'id of the instance; not together with files');
  addExamples(addNamespacedOptions(command), 'rollcall services deregister web.hcl', 'rollcall services deregister --id web');
  command.action(async (files: readonly string[], { id, ...flags }: RegistryFlags & { id?: string }) => {
    if ((id === undefined) === (files.length === 0)) throw usage('give either files with definitions, or one instance with --id');
    const ids = id === undefined ? (await servicesIn(files, terminal)).map(idOf) : [id];
    const target = await namespacedTargetOf(flags, terminal);
    for (const each of ids) {
      await tellRegistry(target, `/v1/agent/service/deregister/${encodeURIComponent(each)}`);
      print(terminal, `deregistered ${visible(each)}`);
    }
  });
}
