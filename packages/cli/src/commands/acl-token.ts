/** `rollcall acl token`: tokens of programs and people. */

import { InvalidArgumentError, Option, type Command } from 'commander';
import { AclApi, type AclToken, type AclTokenBody } from '../acl-api.ts';
import { addSecretOptions, makeToken, type SecretFlags } from '../acl-secret.ts';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { usage } from '../failure.ts';
import { collect } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, visible, type Terminal } from '../terminal.ts';

interface CreateFlags extends RegistryFlags, SecretFlags {
  readonly description?: string;
  readonly policy: readonly string[];
  readonly role: readonly string[];
  readonly serviceIdentity: NonNullable<AclTokenBody['ServiceIdentities']>;
  readonly nodeIdentity: NonNullable<AclTokenBody['NodeIdentities']>;
  readonly ttl?: string;
}

type ReadFlags = RegistryFlags & { readonly json?: true };

export function addAclToken(parent: Command, { terminal }: CommandContext): void {
  const tokens = parent.command('token').description('create, list and remove tokens');
  const api = async (flags: RegistryFlags) => new AclApi(await namespacedTargetOf(flags, terminal));

  const create = tokens
    .command('create')
    .description('create a token; its secret is shown only now')
    .option('--description <text>', 'purpose of the token')
    .addOption(new Option('--policy <name>', 'a policy; may be repeated').argParser(collect).default([], 'none'))
    .addOption(new Option('--role <name>', 'a role; may be repeated').argParser(collect).default([], 'none'))
    .addOption(
      new Option('--service-identity <name>', 'permissions of an instance of this service; may be repeated')
        .argParser(serviceIdentity)
        .default([], 'none'),
    )
    .addOption(
      new Option('--node-identity <name:datacenter>', 'permissions of the agent of this node; may be repeated')
        .argParser(nodeIdentity)
        .default([], 'none'),
    )
    .option('--ttl <duration>', 'time until it ends, such as 90m or 24h (default: it does not end)');
  addNamespacedOptions(addSecretOptions(create)).action(async (flags: CreateFlags) => {
    const body = bodyOf(flags);
    const acl = await api(flags);
    await makeToken(() => acl.createToken(body), flags, terminal);
  });

  const list = tokens.command('list').description('list tokens, without their secrets').option('--json', 'print an array of tokens');
  addNamespacedOptions(list).action(async (flags: ReadFlags) => {
    const all = await (await api(flags)).tokens();
    if (flags.json === true) printJson(terminal, all);
    else printTable(terminal, ['ACCESSOR ID', 'GRANTS', 'EXPIRES', 'DESCRIPTION'], all.map(row));
  });

  const read = tokens
    .command('read')
    .description('show a token, without its secret')
    .argument('<accessor-id>', 'its public id')
    .option('--json', 'print the token as JSON');
  addNamespacedOptions(read).action(async (accessorId: string, flags: ReadFlags) => {
    const token = await (await api(flags)).token(accessorId);
    if (flags.json === true) printJson(terminal, token);
    else printToken(terminal, token);
  });

  const remove = tokens
    .command('delete')
    .description('remove a token; programs that use it are refused within a second')
    .argument('<accessor-id>', 'its public id');
  addNamespacedOptions(remove).action(async (accessorId: string, flags: RegistryFlags) => {
    await (await api(flags)).deleteToken(accessorId);
  });
}

function bodyOf({ description, policy, role, serviceIdentity: services, nodeIdentity: nodes, ttl }: CreateFlags): AclTokenBody {
  if (policy.length + role.length + services.length + nodes.length === 0) {
    throw usage('the token would have no permissions; give it a --policy, --role, --service-identity or --node-identity');
  }
  return {
    Description: description,
    Policies: policy.map((Name) => ({ Name })),
    Roles: role.map((Name) => ({ Name })),
    ServiceIdentities: services,
    NodeIdentities: nodes,
    ExpirationTTL: ttl,
  };
}

function grantsOf({ Policies = [], Roles = [], ServiceIdentities = [], NodeIdentities = [] }: AclToken): string[] {
  return [
    ...Policies.map(({ Name }) => `policy ${Name}`),
    ...Roles.map(({ Name }) => `role ${Name}`),
    ...ServiceIdentities.map(({ ServiceName }) => `service ${ServiceName}`),
    ...NodeIdentities.map(({ NodeName, Datacenter }) => `node ${NodeName}:${Datacenter}`),
  ];
}

function row(token: AclToken): string[] {
  return [token.AccessorID, grantsOf(token).join(', '), token.ExpirationTime ?? 'never', token.Description];
}

function printToken(terminal: Terminal, token: AclToken): void {
  const lines = [
    ['accessor id', token.AccessorID],
    ['description', token.Description],
    ['created', token.CreateTime],
    ['expires', token.ExpirationTime ?? 'never'],
    ...grantsOf(token).map((grant) => ['grants', grant]),
  ];
  for (const [title = '', text = ''] of lines) print(terminal, `${title.padEnd(12)} ${visible(text)}`.trimEnd());
}

function serviceIdentity(text: string, before: CreateFlags['serviceIdentity']): CreateFlags['serviceIdentity'] {
  if (text === '') throw new InvalidArgumentError('it is empty.');
  return [...before, { ServiceName: text }];
}

function nodeIdentity(text: string, before: CreateFlags['nodeIdentity']): CreateFlags['nodeIdentity'] {
  const [, NodeName, Datacenter] = /^(.+):([^:]+)$/.exec(text) ?? [];
  if (NodeName === undefined || Datacenter === undefined) throw new InvalidArgumentError('write NODE:DATACENTER, such as db-1:dc1.');
  return [...before, { NodeName, Datacenter }];
}
