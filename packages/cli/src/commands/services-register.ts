/** `rollcall services register`: registers the services of files, or one that options describe, and ends. */

import { Option, type Command } from 'commander';
import { namespacedTargetOf, tellRegistry } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import type { Values } from '../consul-agent-values.ts';
import { idOf, servicesIn } from '../definition-files.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { collect, collectPair, port } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible, type Terminal } from '../terminal.ts';

interface ServiceFlags {
  readonly name?: string;
  readonly id?: string;
  readonly address?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly tag: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

export function addServicesRegister(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('register')
    .description('register services on this machine\'s node; they stay until they are deregistered or one of their checks removes them')
    .argument('[file...]', 'files with definitions of services, HCL or JSON; without any, the options describe one service')
    .option('--name <name>', 'name of the service')
    .option('--id <id>', 'id of the instance (default: the name)')
    .option('--address <address>', 'address at which clients reach it (default: the address of its node)')
    .addOption(new Option('--port <port>', 'port that it listens on').argParser(port))
    .addOption(new Option('--socket <path>', 'Unix socket that it listens on').conflicts(['address', 'port']))
    .addOption(new Option('--tag <tag>', 'a tag; may be repeated').argParser(collect).default([], 'none'))
    .addOption(new Option('--meta <key=value>', 'a meta entry; may be repeated').argParser(collectPair).default({}, 'none'));
  addExamples(
    addNamespacedOptions(command),
    'rollcall services register web.hcl',
    'rollcall services register --name web --port 8080 --tag v1',
  );
  command.action(async (files: readonly string[], flags: ServiceFlags & RegistryFlags) => {
    const services = files.length === 0 ? [described(flags)] : await ofFiles(files, flags, terminal);
    const target = await namespacedTargetOf(flags, terminal);
    for (const service of services) {
      await tellRegistry(target, '/v1/agent/service/register', { body: JSON.stringify(service) });
      print(terminal, `registered ${visible(idOf(service))}`);
    }
  });
}

function described({ name, id, address, port: number, socket, tag, meta }: ServiceFlags): Values {
  if (name === undefined) throw usage('give a file with definitions, or the name of the service with --name');
  const optional = { id, address, port: number, socketpath: socket };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { name, tags: tag, meta, ...Object.fromEntries(given) };
}

function ofFiles(
  files: readonly string[],
  { name, id, address, port: number, socket, tag, meta }: ServiceFlags,
  terminal: Terminal,
): Promise<Values[]> {
  const options = [name, id, address, number, socket, ...tag, ...Object.keys(meta)];
  if (options.some((value) => value !== undefined)) throw usage('give either files, or options that describe a service');
  return servicesIn(files, terminal);
}
