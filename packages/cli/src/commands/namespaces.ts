/**
 * `rollcall namespaces`: the namespaces of a registry, by the namespace API of Consul Enterprise
 * (https://developer.hashicorp.com/consul/api-docs/namespaces).
 */

import { Option, type Command } from 'commander';
import { askJson, targetOf, tellRegistry } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { collectPair } from '../option-values.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, visible } from '../terminal.ts';

/** As `/v1/namespaces` gives it. */
interface Namespace {
  readonly Name: string;
  readonly Description?: string;
  readonly Meta?: Readonly<Record<string, string>> | null;
  /** While everything in it is being removed. */
  readonly DeletedAt?: string;
}

type ReadFlags = RegistryFlags & { readonly json?: true };

interface CreateFlags extends ReadFlags {
  readonly description?: string;
  readonly meta: Readonly<Record<string, string>>;
}

export function addNamespaces(parent: Command, { terminal }: CommandContext): void {
  const namespaces = parent.command('namespaces').description('create, list and remove namespaces, which separate teams that share a registry');

  const list = namespaces.command('list').description('list the namespaces that the token may see').option('--json', 'print an array of namespaces');
  addRegistryOptions(list).action(async ({ json, ...flags }: ReadFlags) => {
    const all = await askJson<Namespace[]>(await targetOf(flags, terminal), '/v1/namespaces');
    if (json === true) printJson(terminal, all);
    else printTable(terminal, ['NAME', 'DESCRIPTION', 'META'], all.map(row));
  });

  const create = namespaces
    .command('create')
    .description('create a namespace')
    .argument('<name>', '1 to 63 letters, digits and inner hyphens')
    .option('--description <text>', 'purpose of the namespace')
    .addOption(new Option('--meta <key=value>', 'a meta entry; may be repeated').argParser(collectPair).default({}, 'none'))
    .option('--json', 'print the namespace as JSON');
  addExamples(
    addRegistryOptions(create),
    "rollcall namespaces create team-a --description 'services of team A'",
    'rollcall services --namespace team-a',
    'rollcall namespaces delete team-a',
  );
  create.action(async (name: string, { description, meta, json, ...flags }: CreateFlags) => {
    const body = JSON.stringify({ Name: name, Description: description ?? '', Meta: meta });
    const created = await askJson<Namespace>(await targetOf(flags, terminal), '/v1/namespace', { method: 'PUT', body });
    if (json === true) printJson(terminal, created);
    else print(terminal, `created ${visible(created.Name)}`);
  });

  const remove = namespaces
    .command('delete')
    .description('remove a namespace with everything in it; instances that still run there lose their registration')
    .argument('<name>', 'the namespace');
  addRegistryOptions(remove).action(async (name: string, flags: RegistryFlags) => {
    await tellRegistry(await targetOf(flags, terminal), `/v1/namespace/${encodeURIComponent(name)}`, { method: 'DELETE' });
    print(terminal, `removed ${visible(name)} and everything in it`);
  });
}

function row({ Name: name, Description: description = '', Meta: meta, DeletedAt: deletedAt }: Namespace): string[] {
  const pairs = Object.entries(meta ?? {}).map(([key, value]) => `${key}=${value}`);
  return [deletedAt === undefined ? name : `${name} (being removed)`, description, pairs.toSorted().join(', ')];
}
