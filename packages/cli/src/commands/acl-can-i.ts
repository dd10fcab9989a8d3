/** `rollcall acl can-i`: whether a token may do one thing, the rule that decides, and who can grant it. The page Access of the console says the same. */

import type { Command } from 'commander';
import { canISchema, type CanI } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { harmless, print, printJson } from '../terminal.ts';

interface Flags extends RegistryFlags {
  readonly accessor?: string;
  readonly json?: true;
}

export function addAclCanI(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('can-i')
    .description('say whether a token may do one thing, by which rule, and who can grant it; ends with code 9 when it may not')
    .argument('<verb>', 'read, list or write; for a config also edit, approve, publish or reveal, as in rules')
    .argument('<resource>', 'as in rules: service, key, node, config, config-publish, lock, operator and others')
    .argument('[name]', 'of the service, key, node and so on; none for resources without names')
    .option('--accessor <id>', 'public id of another token; needs acl:read')
    .option('--json', 'print the answer as JSON');
  addExamples(addNamespacedOptions(command), 'rollcall acl can-i write service web', 'rollcall acl can-i read operator', 'rollcall acl can-i publish config shop/settings --namespace team-a');
  command.action(async (verb: string, resource: string, name: string | undefined, { accessor, json, ...flags }: Flags) => {
    const query = new URLSearchParams({ verb, resource, ...(name === undefined ? {} : { name }), ...(accessor === undefined ? {} : { accessorId: accessor }) });
    const answer = await askAnswer(await namespacedTargetOf(flags, terminal), `/rollcall/v1/access/can-i?${query.toString()}`, canISchema);
    if (json === true) printJson(terminal, answer);
    else for (const line of linesOf(answer)) print(terminal, harmless(line));
    if (!answer.allowed) throw new CommandFailure(exitCodes.denied, `${answer.subject} may not ${wordsOf(answer)}`);
  });
}

function linesOf(answer: CanI): readonly string[] {
  const { subject, allowed, rule, grantors } = answer;
  const said = [`${allowed ? 'yes' : 'no'}: ${subject} ${allowed ? 'may' : 'may not'} ${wordsOf(answer)}`, `rule: ${rule.text} (${rule.source})`];
  if (grantors === undefined) return said;
  const { tokens, policies } = grantors;
  return [
    ...said,
    `tokens that can grant it: ${tokens.length === 0 ? 'none with a description' : tokens.join(', ')}`,
    `policies that allow it: ${policies.length === 0 ? 'none' : policies.join(', ')}`,
  ];
}

function wordsOf({ verb, resource, name, namespace }: CanI): string {
  const of = name === '' ? '' : ` ${JSON.stringify(name)}`;
  // Rules have words of their own for configurations.
  const grant = /^config-(.*)$/.exec(resource)?.[1] ?? (resource === 'config' && verb === 'write' ? 'edit' : undefined);
  if (grant === undefined || verb !== 'write') return `${verb} ${resource}${of} in namespace ${namespace}`;
  return `${grant} config${of} (${resource}:${verb}) in namespace ${namespace}`;
}
