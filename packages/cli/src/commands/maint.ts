/** `rollcall maint`: hides a node or a service from clients, and shows it again. */

import { Option, type Command } from 'commander';
import { askJson, namespacedTargetOf, tellRegistry } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, visible } from '../terminal.ts';

interface MaintFlags extends RegistryFlags {
  readonly enable?: true;
  readonly disable?: true;
  readonly reason?: string;
  readonly service?: string;
  readonly json?: true;
}

/** As `/v1/agent/checks` gives it. */
interface Check {
  readonly Node: string;
  readonly Notes: string;
  readonly ServiceID: string;
}

export function addMaint(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('maint')
    .description('set or lift maintenance of this node or of one of its services; without options list those in maintenance')
    .addOption(new Option('--enable', 'set maintenance: clients do not use the node or service').conflicts('disable'))
    .option('--disable', 'lift it')
    .option('--service <id>', 'only the instance with this id (default: the whole node)')
    .option('--reason <text>', 'the reason, shown to operators; with --enable')
    .option('--json', 'print an array of {"node", "service", "reason"}; "service" is absent for the node itself');
  addExamples(
    addNamespacedOptions(command),
    "rollcall maint --enable --service web-1 --reason 'new disk'",
    'rollcall maint --disable --service web-1',
    'rollcall maint',
  );
  command.action(async ({ enable, disable, reason, service, json, ...flags }: MaintFlags) => {
    const changes = enable === true || disable === true;
    if (!changes && (reason !== undefined || service !== undefined)) {
      throw usage('--reason and --service need --enable or --disable');
    }
    if (disable === true && reason !== undefined) throw usage('--reason needs --enable');
    const target = await namespacedTargetOf(flags, terminal);
    if (!changes) {
      const checks = Object.entries(await askJson<Record<string, Check>>(target, '/v1/agent/checks'));
      list(checks.filter(([id]) => /^_(node_maintenance$|service_maintenance:)/.test(id)).map(([, check]) => check), json === true);
      return;
    }
    const what = service === undefined ? '/v1/agent/maintenance' : `/v1/agent/service/maintenance/${encodeURIComponent(service)}`;
    const query = new URLSearchParams({ enable: String(enable === true), ...(reason === undefined ? {} : { reason }) });
    await tellRegistry(target, `${what}?${query.toString()}`);
    const state = enable === true ? 'in maintenance' : 'not in maintenance';
    print(terminal, service === undefined ? `this node is ${state}` : `${service} is ${state}`);
  });

  function list(checks: readonly Check[], json: boolean): void {
    const found = checks.map(({ Node, Notes, ServiceID }) => ({
      node: Node,
      ...(ServiceID === '' ? {} : { service: ServiceID }),
      reason: Notes,
    }));
    if (json) printJson(terminal, found);
    else for (const { node, service, reason } of found) {
      print(terminal, service === undefined ? 'Node:' : 'Service:');
      print(terminal, service === undefined ? `  Name:   ${visible(node)}` : `  ID:     ${visible(service)}`);
      print(terminal, `  Reason: ${visible(reason)}\n`);
    }
  }
}
