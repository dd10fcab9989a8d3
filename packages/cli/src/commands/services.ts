/** `rollcall services`: lists the registered services; below it, the commands that register and deregister. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
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
  addNamespacedOptions(command).action(async ({ json, ...flags }: RegistryFlags & { json?: true }) => {
    await askRegistry({ terminal, flags, name: 'rollcall services' }, async (rollcall, signal) => {
      const services = await rollcall.services({ signal });
      if (json === true) printJson(terminal, services);
      else if (services.length === 0) remark(terminal, 'no services are registered');
      else printTable(terminal, ['SERVICE', 'TAGS'], services.map(({ service, tags }) => [service, tags.join(', ')]));
    });
  });
  addServicesRegister(command, context);
  addServicesDeregister(command, context);
}
