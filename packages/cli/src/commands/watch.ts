/** `rollcall watch NAME`: the instances of a service as they come, change and go. */

import type { Command } from 'commander';
import { printInstances } from '../instances-table.ts';
import type { CommandContext } from '../command-context.ts';
import { followRegistry } from '../registry.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { counted, print, printJson } from '../terminal.ts';

export function addWatch(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('watch')
    .description('print the instances of a service now and after every change, until it is stopped')
    .argument('<name>', 'the service, which need not exist yet')
    .option('--json', 'print one line of {"service", "revision", "instances", "stale", "ageMs"} per change');
  addRegistryOptions(command).action(async (name: string, { json, ...flags }: RegistryFlags & { json?: true }) => {
    await followRegistry({ terminal, flags, name: 'rollcall watch' }, async (rollcall, signal) => {
      const service = rollcall.service(name);
      // Says at once when it may not be read; a watch would wait for that to change.
      await service.instances({ signal });
      for await (const snapshot of service.watch({ signal })) {
        if (json === true) {
          printJson(terminal, snapshot);
          continue;
        }
        const { instances, revision, stale } = snapshot;
        const passing = instances.filter(({ status }) => status === 'passing').length;
        const known = stale ? ', last known: the registry cannot be reached' : '';
        print(terminal, `${name} at revision ${revision}: ${counted(instances.length, 'instance')}, ${passing} passing${known}`);
        if (instances.length > 0) printInstances(terminal, instances);
        print(terminal, '');
      }
    });
  });
}
