/** `rollcall route watch SERVICE`: prints a route now and after every change. */

import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import { answersOf } from '../blocking-query.ts';
import type { CommandContext } from '../command-context.ts';
import { NamedRoute, type RouteAnswer } from '../route-api.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, remark, visible } from '../terminal.ts';

export function addRouteWatch(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('watch')
    .description('print the route of a service now and after every change, until stopped')
    .argument('<service>', 'the service, which may have no route yet')
    .option('--json', 'print one line of {"namespace", "service", "revision", "route"} per change');
  addNamespacedOptions(command).action(async (service: string, { json, ...flags }: RegistryFlags & { readonly json?: true }) => {
    const named = new NamedRoute(await namespacedTargetOf(flags, terminal), service);
    const stopped = new AbortController();
    terminal.unread.addEventListener('abort', () => stopped.abort());
    const { signal } = stopped;
    for await (const { body = '{}' } of answersOf((after) => named.next(after, signal), { signal, tell: (line) => remark(terminal, line) })) {
      const answer = JSON.parse(body) as RouteAnswer;
      if (json === true) printJson(terminal, answer);
      else if (answer.route === undefined) print(terminal, `${visible(service)} has no route`);
      else print(terminal, `${visible(service)} at revision ${answer.revision}: ${JSON.stringify(answer.route, undefined, 2)}`);
    }
  });
}
