/** `rollcall explain NAME`: shows for each instance of a service whether a client that starts now would choose it, and why not. */

import { defaultNamespace } from '@rollcall/protocol';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { collect, collectPair } from '../option-values.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson } from '../terminal.ts';

interface ExplainFlags extends RegistryFlags {
  json?: true;
  zone?: string;
  tag: readonly string[];
  key?: string;
  header: Readonly<Record<string, string>>;
}

export function addExplain(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('explain')
    .description('show for each instance of a service whether a client that starts now would choose it, and why not')
    .argument('<name>', 'the service')
    .option('--zone <zone>', 'as a caller in this zone; the zone of an instance is its field zone, or its metadata "zone"')
    .addOption(new Option('--tag <tag>', 'as a caller that selects instances with this tag; may be repeated').argParser(collect).default([], 'none'))
    .option('--key <key>', 'for a request with this key, such as a user')
    .addOption(new Option('--header <name=value>', 'for a request with this header; may be repeated').argParser(collectPair).default({}, 'none'))
    .option('--json', 'print the result of client.explain() as JSON');
  addNamespacedOptions(command).action(async (name: string, { json, zone, tag, key, header, ...flags }: ExplainFlags) => {
    await askRegistry({ terminal, flags, name: 'rollcall explain' }, async (rollcall, signal) => {
      const routing = { ...(zone !== undefined && { zone: { own: zone } }), ...(tag.length > 0 && { select: { tags: tag } }) };
      const service = rollcall.service(name, { routing });
      await service.instances({ signal });
      const explanation = service.explain({ ...(key === undefined ? {} : { key }), headers: header });
      const { instances } = explanation;
      if (json === true) printJson(terminal, explanation);
      else if (instances.length > 0) {
        // Its words are those of the client, which is loaded by now.
        const { printExplanation } = await import('../explanation-table.ts');
        printExplanation(terminal, explanation);
        print(terminal, 'For a client that has just started; in a running client, explain() also shows what it has measured.');
        if (instances.some(({ instance }) => instance.status === 'critical')) {
          print(terminal, `"rollcall watch --type checks --service ${name} --once" shows the checks.`);
        }
      }
      if (instances.length === 0) {
        const where = rollcall.namespace === defaultNamespace ? '' : ` in namespace ${rollcall.namespace}`;
        const message = `no service ${JSON.stringify(name)} is registered${where}; "rollcall services" lists those that are`;
        throw new CommandFailure(exitCodes.notFound, message);
      }
    });
  });
}
