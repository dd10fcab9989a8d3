/** `rollcall route delete SERVICE`: clients go by their own options again. */

import { Option, type Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { revision } from '../option-values.ts';
import { NamedRoute } from '../route-api.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible } from '../terminal.ts';

interface DeleteFlags extends RegistryFlags {
  readonly cas?: number;
}

export function addRouteDelete(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('delete')
    .description('delete the route of a service; clients go by their own options again')
    .argument('<service>', 'the service')
    .addOption(new Option('--cas <revision>', 'only if the route has this revision. Exit code 1 otherwise').argParser(revision));
  addNamespacedOptions(command).action(async (service: string, { cas, ...flags }: DeleteFlags) => {
    const named = new NamedRoute(await namespacedTargetOf(flags, terminal), service);
    if (!(await named.delete(cas)).done) {
      const { route, revision: found } = await named.get();
      if (route === undefined) throw new CommandFailure(exitCodes.notFound, `${visible(service)} has no route`);
      throw new CommandFailure(exitCodes.failure, `the route of ${visible(service)} has another revision by now: ${found}`);
    }
    print(terminal, `the route of ${visible(service)} is deleted`);
  });
}
