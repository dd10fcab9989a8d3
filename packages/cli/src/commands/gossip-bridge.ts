/** `rollcall gossip bridge`: a gateway between a group without a server and a registry, until it is stopped. */

import { Option, type Command } from 'commander';
import { targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { credentialOptions } from '../credentials.ts';
import { addExamples } from '../examples.ts';
import { addGroupOptions, joinGroup, type GroupFlags } from '../gossip-group.ts';
import { addNamespacedOptions, namespaceOf, type RegistryFlags } from '../servers.ts';
import { signalNumber, stopSignals } from '../signals.ts';
import { counted, remark } from '../terminal.ts';

const directions = ['both', 'to-group', 'to-registry'] as const;

interface BridgeFlags extends RegistryFlags, GroupFlags {
  readonly direction: (typeof directions)[number];
  readonly tag?: string;
}

export function addGossipBridge(parent: Command, context: CommandContext): void {
  const command = parent
    .command('bridge')
    .description('join a group with a registry until stopped: each shows the instances of the other')
    .addOption(new Option('--direction <direction>', 'what is mirrored where').choices(directions).default('both'))
    .option('--tag <tag>', 'mirror only instances with this tag');
  addExamples(
    addNamespacedOptions(addGroupOptions(command)),
    'rollcall gossip bridge --addr http://registry:8500 --seed 10.0.0.7 --group-key-file group.key',
    'rollcall gossip bridge --namespace edge --direction to-registry --tag public',
  );
  command.action((flags: BridgeFlags) => bridge(flags, context));
}

async function bridge(flags: BridgeFlags, { terminal, setExitCode }: CommandContext): Promise<void> {
  const { direction, tag } = flags;
  const tell = (line: string) => remark(terminal, line);
  const signals = stopSignals();
  const namespace = namespaceOf(flags, terminal.env);
  const { servers } = await targetOf(flags, terminal);
  const [{ connect }, { Gateway }] = await Promise.all([import('@rollcall/client'), import('@rollcall/gossip')]);
  const group = await joinGroup(flags, (event) => event.kind === 'warning' && tell(event.message));
  let isLost = false;
  const registry = await connect({
    ...{ servers, namespace, name: `rollcall gossip bridge ${group.group}`, node: `gossip-${group.name}`, ...credentialOptions(flags) },
    onEvent: (event) => {
      if (event.kind === 'connected') {
        isLost = false;
        tell(`connected to ${event.server}`);
      }
      if (event.kind === 'disconnected' || event.kind === 'unreachable' || event.kind === 'refused') {
        // Each attempt has an event; the first one is enough.
        if (!isLost) tell(`no registry, tries again: ${event.reason}`);
        isLost = true;
      }
      if (event.kind === 'not-registered') tell(`${event.id} of ${event.service} is not registered: ${event.reason}`);
    },
  });
  const gateway = new Gateway({ group, registry, direction, ...(tag !== undefined && { tag }), onWarning: tell });
  tell(`${group.name} joins group ${group.group} at ${group.address.host}:${group.address.port} with namespace ${namespace} of the registry (${direction})`);
  const signal = await signals.first;
  const { inGroup, inRegistry } = gateway.counts;
  tell(`stopping: removes ${counted(inGroup, 'instance')} from the group and ${counted(inRegistry, 'instance')} from the registry`);
  await gateway.close();
  await registry.close();
  await group.leave();
  setExitCode(128 + signalNumber(signal));
}
