/** `rollcall config approve APP/NAME NUMBER`: shows what a proposal changes, how it is published and who can approve it, or approves it. */

import type { Command } from 'commander';
import { approversSchema, doneSchema, proposalSchema, type Approvers, type ProposalDetail } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printDiff } from '../diff-text.ts';
import { addExamples } from '../examples.ts';
import { count } from '../option-values.ts';
import { rolloutText } from '../plan-text.ts';
import { print, printJson, visible } from '../terminal.ts';

interface ApproveFlags extends ConfigFlags {
  readonly show?: true;
}

export function addConfigApprove(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('approve')
    .description('approve a proposal')
    .argument('<app/name>', 'the configuration')
    .argument('<number>', 'the proposal', count(Number.MAX_SAFE_INTEGER))
    .option('--show', 'only show what it changes, how it is published, and who can approve it')
    .option('--json', 'print {"done", "missing"}, or with --show the whole proposal with its "approvers"');
  addExamples(addAuthorOptions(command), 'rollcall config approve shop/app.yaml 42 --show', 'rollcall config approve shop/app.yaml 42');
  command.action(async (name: string, number: number, { show, json, ...flags }: ApproveFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const read = () => config.get('/proposal', proposalSchema, { number: String(number) });
    if (show === true) {
      const [proposal, approvers] = await Promise.all([read(), config.get('/approvers', approversSchema, { number: String(number) })]);
      if (json === true) printJson(terminal, { ...proposal, approvers });
      else {
        for (const line of about(proposal, approvers)) print(terminal, line);
        printDiff(terminal, proposal.diff);
      }
      return;
    }
    const { done } = await config.post('/proposal/approve', doneSchema, { number });
    const { missing } = await read();
    if (json === true) printJson(terminal, { done, missing });
    else if (missing > 0) print(terminal, `proposal ${number} of ${name} waits for ${missing} more`);
    else print(terminal, `proposal ${number} of ${name} has its approvals: rollcall config publish ${name} --proposal ${number}`);
  });
}

function about({ remove, rollout, byPolicy, notBeforeMs, approvals, missing }: ProposalDetail, approvers: Approvers): readonly string[] {
  const how = remove === true ? 'clients get nothing of it any more' : byPolicy === true ? 'as the policy says when it is published' : rolloutText(rollout);
  return [
    `reaches: ${how}`,
    ...(notBeforeMs === undefined ? [] : [`time: ${new Date(notBeforeMs).toISOString()}`]),
    `approvals: ${approvals.length === 0 ? 'none' : approvals.map(({ by }) => visible(by)).join(', ')}${missing > 0 ? `; ${missing} more needed` : ''}`,
    `can approve: ${approversText(approvers)}`,
  ];
}

function approversText({ accessControl, tokens, more = 0, unnamed = 0, roles = [], partial }: Approvers): string {
  if (!accessControl) return 'all callers, by the name that they give (access control is off)';
  if (tokens === undefined) return 'only told to callers with a token';
  const others = more + unnamed;
  const words = [...tokens.map(visible), ...(others > 0 ? [`${others} other token${others === 1 ? '' : 's'}`] : []), ...roles.map((role) => `role ${visible(role)}`)];
  return `${words.length === 0 ? 'no token and no role' : words.join(', ')}${partial === true ? ', and perhaps more' : ''}`;
}
