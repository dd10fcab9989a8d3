/** `rollcall instances NAME`: lists the instances of a service with their status; below it, the commands that act on them. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../failure.ts';
import { printInstances } from '../instances-table.ts';
import type { CommandContext } from '../command-context.ts';
import { addAtOption, PastRegistry, type When } from '../past.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printJson } from '../terminal.ts';
import { addInstancesActions } from './instances-actions.ts';
import { addInstancesSetStatus } from './instances-set-status.ts';

export function addInstances(parent: Command, context: CommandContext): void {
  const { terminal } = context;
  const command = parent
    .command('instances')
    .description('list the instances of a service, in every status')
    .argument('<name>', 'the service')
    .option('--json', 'print {"service", "revision", "instances"}');
  addNamespacedOptions(addAtOption(command)).action(async (name: string, { json, at, ...flags }: RegistryFlags & { json?: true; at?: When }) => {
    if (at !== undefined) {
      const { revision, items } = await (await PastRegistry.of(flags, terminal)).view('service', name, at);
      if (json === true) printJson(terminal, { service: name, revision, instances: items });
      else if (items.length > 0) printInstances(terminal, items);
      if (items.length === 0) throw new CommandFailure(exitCodes.notFound, `no service ${JSON.stringify(name)} was registered then; "rollcall services --at" lists those that were`);
      return;
    }
    await askRegistry({ terminal, flags, name: 'rollcall instances' }, async (rollcall, signal) => {
      const service = rollcall.service(name);
      const instances = await service.instances({ signal });
      if (json === true) printJson(terminal, { service: name, revision: service.snapshot()?.revision, instances });
      else if (instances.length > 0) printInstances(terminal, instances);
      if (instances.length === 0) {
        const where = rollcall.namespace === defaultNamespace ? '' : ` in namespace ${rollcall.namespace}`;
        const message = `no service ${JSON.stringify(name)} is registered${where}; "rollcall services" lists those that are`;
        throw new CommandFailure(exitCodes.notFound, message);
      }
    });
  });
  addInstancesSetStatus(command, context);
  addInstancesActions(command, context);
}
