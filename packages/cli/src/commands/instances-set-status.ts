/** `rollcall instances set-status`: overrides the status that an instance reports, or clears the override. */

import { administrativeStatuses } from '@rollcall/protocol';
import { Argument, type Command } from 'commander';
import { askJson, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, visible } from '../terminal.ts';

interface SetStatusFlags extends RegistryFlags {
  readonly clear?: true;
  readonly node?: string;
  readonly json?: true;
}

/** As the registry answers. */
interface Standing {
  readonly service: string;
  readonly node: string;
  readonly id: string;
  readonly status: string;
  readonly override: string | null;
  readonly effective: string;
}

export function addInstancesSetStatus(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('set-status')
    .description('override the status of an instance until you clear it; only an instance that is up gets traffic')
    .argument('<service/id>', 'the service and the id of the instance')
    .addArgument(new Argument('[status]', 'the status to set').choices(administrativeStatuses))
    .option('--clear', 'clear the override: the status that the instance reports counts again')
    .option('--node <name>', 'node of the instance, when several nodes have an instance with this id')
    .option('--json', 'print {"namespace", "service", "node", "id", "status", "override", "enabled", "effective"}');
  addExamples(
    addNamespacedOptions(command),
    'rollcall instances set-status web/web-1 out_of_service',
    'rollcall instances set-status web/web-1 --clear',
  );
  command.action(async (name: string, status: string | undefined, { clear, node, json, ...flags }: SetStatusFlags) => {
    if ((status === undefined) === (clear === undefined)) throw usage('give either a status, or --clear');
    // An id may contain slashes, the name of a service may not.
    const [service = '', id = ''] = split(name);
    if (service === '' || id === '') throw usage(`${JSON.stringify(name)} is not SERVICE/ID, as in web/web-1`);
    const target = await namespacedTargetOf(flags, terminal);
    const { namespace } = target;
    const body = JSON.stringify({ namespace, service, id, ...(node === undefined ? {} : { node }), override: status ?? null });
    const found = await askJson<Standing>(target, '/rollcall/v1/instance/status', { method: 'PUT', body });
    if (json === true) printJson(terminal, found);
    else print(terminal, sentence(found));
  });
}

function split(name: string): string[] {
  const slash = name.indexOf('/');
  return slash < 0 ? [name] : [name.slice(0, slash), name.slice(slash + 1)];
}

function sentence({ service, id, node, status, override, effective }: Standing): string {
  const where = node === '' ? '' : ` on ${visible(node)}`;
  const what = `${visible(service)}/${visible(id)}${where}`;
  return override === null
    ? `${what} has no override; it reports ${status}, its effective status is ${effective}`
    : `${what} is overridden with ${override}; its effective status is ${effective}`;
}
