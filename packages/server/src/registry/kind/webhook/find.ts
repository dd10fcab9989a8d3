/** Finds webhooks, the events that wait for them, and how far their senders have come. */

import type { Indexed, Lookup } from '../../room.ts';
import { webhookBuckets, webhookEventKey, webhookKey, webhookProgressKey } from './keys.ts';
import type { WebhookEventRow, WebhookProgressRow, WebhookRow } from './rows.ts';

export function findWebhook(reader: Lookup, namespace: string, name: string): WebhookRow | undefined {
  return reader.get(webhookKey(namespace, name)) as WebhookRow | undefined;
}

/** In no particular order. */
export function webhooksIn(reader: Lookup, namespace: string): Iterable<WebhookRow> {
  return reader.bucket(webhookBuckets.all(namespace)) as Iterable<WebhookRow>;
}

/** Of all namespaces. */
export function everyWebhook(reader: Lookup): Iterable<WebhookRow> {
  return reader.bucket(webhookBuckets.every()) as Iterable<WebhookRow>;
}

export function countWebhooks(reader: Pick<Indexed, 'bucketSize'>, namespace: string): number {
  return reader.bucketSize(webhookBuckets.all(namespace));
}

/** Undefined before its sender has written; it may be of an earlier webhook of the same name (`hook`). */
export function findProgress(reader: Lookup, namespace: string, name: string): WebhookProgressRow | undefined {
  return reader.get(webhookProgressKey(namespace, name)) as WebhookProgressRow | undefined;
}

/** Of webhooks whose newest try has failed; it may be of an earlier webhook of the same name. */
export function failingIn(reader: Lookup, namespace: string): Iterable<WebhookProgressRow> {
  return reader.bucket(webhookBuckets.failing(namespace)) as Iterable<WebhookProgressRow>;
}

export function findEvent(reader: Lookup, namespace: string, name: string, id: string): WebhookEventRow | undefined {
  return reader.get(webhookEventKey(namespace, name, id)) as WebhookEventRow | undefined;
}

/** The events of a webhook that wait, or were sent a moment ago, the first to be sent first. */
export function eventsOf(reader: Lookup, { namespace, name, created }: WebhookRow): WebhookEventRow[] {
  const all = [...(reader.bucket(webhookBuckets.events(namespace, name)) as Iterable<WebhookEventRow>)];
  return all.filter(({ hook }) => hook === created).sort((a, b) => a.order - b.order);
}
