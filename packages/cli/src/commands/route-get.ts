/** `rollcall route get SERVICE`: prints a route as JSON, which `route set --file` takes. */

import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { NamedRoute } from '../route-api.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, visible } from '../terminal.ts';

export function addRouteGet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('get')
    .description('print the route of a service as JSON')
    .argument('<service>', 'the service')
    .option('--json', 'print {"namespace", "service", "revision", "route"} on one line');
  addNamespacedOptions(command).action(async (service: string, { json, ...flags }: RegistryFlags & { readonly json?: true }) => {
    const found = await new NamedRoute(await namespacedTargetOf(flags, terminal), service).get();
    if (found.route === undefined) throw new CommandFailure(exitCodes.notFound, `${visible(service)} has no route`);
    if (json === true) printJson(terminal, found);
    else print(terminal, JSON.stringify(found.route, undefined, 2));
  });
}
