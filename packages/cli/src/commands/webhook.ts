/** `rollcall webhook`: the commands about webhooks, which tell other programs what happens. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addWebhookDelete } from './webhook-delete.ts';
import { addWebhookList } from './webhook-list.ts';
import { addWebhookSet } from './webhook-set.ts';
import { addWebhookTest } from './webhook-test.ts';

export function addWebhook(parent: Command, context: CommandContext): void {
  const webhook = parent.command('webhook').description('send signed events about services, configurations and nodes to a URL');
  addWebhookSet(webhook, context);
  addWebhookList(webhook, context);
  addWebhookDelete(webhook, context);
  addWebhookTest(webhook, context);
}
