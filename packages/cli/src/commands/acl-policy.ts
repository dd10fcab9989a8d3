/** `rollcall acl policy`: named sets of rules, in HCL or JSON. */

import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AclApi } from '../acl-api.ts';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { harmless, print, printJson, type Terminal } from '../terminal.ts';

interface WriteFlags extends RegistryFlags {
  readonly rules: string;
  readonly description?: string;
}

type ReadFlags = RegistryFlags & { readonly json?: true };

/** Far above what registries accept; their own limit decides. Keeps an endless pipe out of memory. */
const rulesBytesMax = 1_048_576;

export function addAclPolicy(parent: Command, { terminal }: CommandContext): void {
  const policies = parent.command('policy').description('create, change, list and remove policies');
  const api = async (flags: RegistryFlags) => new AclApi(await namespacedTargetOf(flags, terminal));
  const writing = (name: string, description: string) =>
    addNamespacedOptions(
      policies
        .command(name)
        .description(description)
        .argument('<name>', 'the policy')
        .requiredOption('--rules <file>', 'file with the rules in HCL or JSON; "-" reads standard input')
        .option('--description <text>', 'purpose of the policy'),
    );

  writing('create', 'create a policy').action(async (name: string, flags: WriteFlags) => {
    const rules = await rulesIn(flags.rules, terminal);
    const { ID } = await (await api(flags)).putPolicy({ Name: name, Rules: rules, Description: flags.description });
    print(terminal, ID);
  });

  writing('update', 'replace the rules of a policy; the new ones apply within a second').action(async (name: string, flags: WriteFlags) => {
    const rules = await rulesIn(flags.rules, terminal);
    const acl = await api(flags);
    const { ID, Description } = await acl.policy(name);
    await acl.putPolicy({ ID, Name: name, Rules: rules, Description: flags.description ?? Description });
  });

  const list = policies.command('list').description('list policies').option('--json', 'print an array of policies');
  addNamespacedOptions(list).action(async (flags: ReadFlags) => {
    const all = await (await api(flags)).policies();
    if (flags.json === true) printJson(terminal, all);
    else printTable(terminal, ['NAME', 'ID', 'DESCRIPTION'], all.map(({ Name, ID, Description }) => [Name, ID, Description]));
  });

  const read = policies
    .command('read')
    .description('print the rules of a policy')
    .argument('<name>', 'the policy')
    .option('--json', 'print the policy as JSON');
  addNamespacedOptions(read).action(async (name: string, flags: ReadFlags) => {
    const policy = await (await api(flags)).policy(name);
    if (flags.json === true) printJson(terminal, policy);
    else print(terminal, harmless(policy.Rules.trimEnd()));
  });

  const remove = policies
    .command('delete')
    .description('remove a policy; tokens lose its permissions within a second')
    .argument('<name>', 'the policy');
  addNamespacedOptions(remove).action(async (name: string, flags: RegistryFlags) => {
    const acl = await api(flags);
    await acl.deletePolicy((await acl.policy(name)).ID);
  });
}

async function rulesIn(file: string, { stdin }: Terminal): Promise<string> {
  if (file !== '-') {
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new CommandFailure(exitCodes.failure, `cannot read the rules: ${(error as Error).message}`, { cause: error });
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > rulesBytesMax) throw new CommandFailure(exitCodes.failure, `the rules have more than ${rulesBytesMax} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
