/** `rollcall acl`: the first token, and the commands that manage tokens and policies, and that ask what a token may do. */

import type { Command } from 'commander';
import { AclApi } from '../acl-api.ts';
import { addSecretOptions, makeToken, type SecretFlags } from '../acl-secret.ts';
import { targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { addAclCanI } from './acl-can-i.ts';
import { addAclPolicy } from './acl-policy.ts';
import { addAclToken } from './acl-token.ts';

export function addAcl(parent: Command, context: CommandContext): void {
  const { terminal } = context;
  const acl = parent.command('acl').description('manage tokens and policies, and ask what a token may do');
  const bootstrap = acl
    .command('bootstrap')
    .description('create the first token, which may do everything; works once for a registry');
  addRegistryOptions(addSecretOptions(bootstrap)).action(async (flags: SecretFlags & RegistryFlags) => {
    const api = new AclApi(await targetOf(flags, terminal));
    await makeToken(() => api.bootstrap(), flags, terminal);
  });
  addAclToken(acl, context);
  addAclPolicy(acl, context);
  addAclCanI(acl, context);
}
