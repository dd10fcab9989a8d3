/** The description of webhooks. No view shows them, so neither watchers nor the history see a secret. */

import { isWebhookFailing } from '@rollcall/protocol';
import { fieldsOf } from '../../fields.ts';
import type { Kind, Lookup, Room } from '../../room.ts';
import type { WebhookDelete, WebhookSet } from './commands.ts';
import { advanceWebhook, deleteWebhook, setWebhook } from './decide.ts';
import { findWebhook } from './find.ts';
import { webhookBuckets, webhookEventKey, webhookKey, webhookProgressKey } from './keys.ts';
import type { WebhookEventRow, WebhookProgressRow, WebhookRow } from './rows.ts';

const webhook: Kind<WebhookRow> = {
  format: 1,
  // A node of an older version sends nothing, and owns none of them for long.
  mayStayUnread: true,
  unseen: true,
  fields: fieldsOf<WebhookRow>({ namespace: true, name: true, url: true, secret: true, events: true, services: true, forMs: true, disabled: true }),
  key: ({ namespace, name }) => webhookKey(namespace, name),
  keyFields: ['namespace', 'name'],
  buckets: ({ namespace }) => [webhookBuckets.every(), webhookBuckets.all(namespace)],
  keepsItsBuckets: () => true,
};

/** A webhook that is deleted, or of which another one has the name, leaves its rows to the pruning: there may be a thousand. */
const isLeft = ({ namespace, name, hook }: Pick<WebhookProgressRow, 'namespace' | 'name' | 'hook'>, lookup: Lookup) => findWebhook(lookup, namespace, name)?.created !== hook;

const progress: Kind<WebhookProgressRow> = {
  format: 1,
  mayStayUnread: true,
  unseen: true,
  fields: fieldsOf<WebhookProgressRow>({ namespace: true, name: true, hook: true, upTo: true, writes: true, next: true, waiting: true, dropped: true, success: true, failure: true, gap: true }),
  key: ({ namespace, name }) => webhookProgressKey(namespace, name),
  keyFields: ['namespace', 'name'],
  buckets: ({ namespace, success, failure }) => (isWebhookFailing(success, failure) ? [webhookBuckets.failing(namespace)] : []),
  // What a backup has not told yet is old, and so are its revisions.
  notRestored: true,
  lapsed: (row, _now, lookup) => isLeft(row, lookup),
};

const event: Kind<WebhookEventRow> = {
  format: 1,
  mayStayUnread: true,
  unseen: true,
  fields: fieldsOf<WebhookEventRow>({ namespace: true, name: true, id: true, hook: true, order: true, about: true, foundAt: true, type: true, body: true, atMs: true }),
  key: ({ namespace, name, id }) => webhookEventKey(namespace, name, id),
  keyFields: ['namespace', 'name', 'id'],
  buckets: ({ namespace, name }) => [webhookBuckets.events(namespace, name)],
  keepsItsBuckets: () => true,
  notRestored: true,
  lapsed: (row, _now, lookup) => isLeft(row, lookup),
};

export const webhookRoom = {
  name: 'webhook',
  kinds: { webhook, 'webhook-progress': progress, 'webhook-event': event },
  decisions: {
    'webhook-set': { writes: true, conditionOn: ({ namespace, name }: WebhookSet) => webhookKey(namespace, name), decide: setWebhook },
    'webhook-delete': { conditionOn: ({ namespace, name }: WebhookDelete) => webhookKey(namespace, name), decide: deleteWebhook },
    'webhook-advance': { writes: true, decide: advanceWebhook },
  },
} satisfies Room;
