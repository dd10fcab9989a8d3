/** `rollcall webhook list`: webhooks, and what came of their last deliveries. */

import type { Command } from 'commander';
import { webhookListSchema, type ShownWebhook } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';
import { webhooksPath } from '../webhook-path.ts';

export function addWebhookList(parent: Command, { terminal }: CommandContext): void {
  const command = parent.command('list').description('list webhooks, and what came of their last deliveries').option('--json', 'print an array of webhooks with how their last deliveries ended');
  addNamespacedOptions(command).action(async ({ json, ...flags }: RegistryFlags & { readonly json?: true }) => {
    const { webhooks } = await askAnswer(await namespacedTargetOf(flags, terminal), webhooksPath, webhookListSchema);
    if (json === true) printJson(terminal, webhooks);
    else if (webhooks.length === 0) remark(terminal, 'there is no webhook');
    else printTable(terminal, ['NAME', 'URL', 'EVENTS', 'WAITING', 'DROPPED', 'LAST DELIVERY'], webhooks.map((each) => [each.name, each.url, each.events.join(', '), String(each.waiting), String(each.dropped), lastOf(each)]));
  });
}

/** The newer one of the two. */
function lastOf({ disabled, lastSuccess: good, lastFailure: bad }: ShownWebhook): string {
  if (disabled) return 'disabled';
  if (bad !== undefined && (good === undefined || bad.atMs > good.atMs)) return `${bad.type} failed ${bad.tries} ${bad.tries === 1 ? 'time' : 'times'}: ${bad.error ?? ''}`;
  return good === undefined ? 'none' : `${good.type} delivered`;
}
