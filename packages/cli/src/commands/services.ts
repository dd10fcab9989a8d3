/** `rollcall services`: lists the registered services; below it, the commands that register and deregister. */

import type { ServiceEntry } from '@rollcall/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addAtOption, PastRegistry, type When } from '../past.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';
import { addServicesDeregister } from './services-deregister.ts';
import { addServicesRegister } from './services-register.ts';

export function addServices(parent: Command, context: CommandContext): void {
  const { terminal } = context;
  const command = parent
    .command('services')
    .description('list the services that have instances, with their tags')
    .option('--json', 'print an array of {"service", "tags"}');
  addNamespacedOptions(addAtOption(command)).action(async ({ json, at, ...flags }: RegistryFlags & { json?: true; at?: When }) => {
    const show = (services: readonly ServiceEntry[], none: string) => {
      if (json === true) printJson(terminal, services);
      else if (services.length === 0) remark(terminal, none);
      else printTable(terminal, ['SERVICE', 'TAGS'], services.map(({ service, tags }) => [service, tags.join(', ')]));
    };
    if (at !== undefined) {
      show((await (await PastRegistry.of(flags, terminal)).view('services', '', at)).items, 'no services were registered then');
      return;
    }
    await askRegistry({ terminal, flags, name: 'rollcall services' }, async (rollcall, signal) => {
      show(await rollcall.services({ signal }), 'no services are registered, or none that this caller may read');
    });
  });
  addServicesRegister(command, context);
  addServicesDeregister(command, context);
}
