/** The rows of webhooks: where this registry sends which events, which of them wait, and how far their sender has come. */

import type { LastWebhookDelivery, WebhookEventType, WebhookGap } from '@rollcall/protocol';
import type { Revisions } from '../../row.ts';

export interface WebhookRow extends Revisions {
  readonly kind: 'webhook';
  /** Only events of this namespace are sent. Nodes of the store leave in `default`. */
  readonly namespace: string;
  readonly name: string;
  /** http or https, without a user name. */
  readonly url: string;
  /** `whsec_`, then the key in base64. No answer shows it; backups contain it. */
  readonly secret: string;
  readonly events: readonly WebhookEventType[];
  /** Names of services and apps, or beginnings of names that end with `*`; all when absent. */
  readonly services?: readonly string[];
  /** How long an instance or a service must stay as it is before the event is sent, in milliseconds. */
  readonly forMs: number;
  readonly disabled?: true;
}

/** How far the deliveries of a webhook have come, as its sender says. */
export interface WebhookProgressRow extends Revisions {
  readonly kind: 'webhook-progress';
  readonly namespace: string;
  /** Of the webhook. */
  readonly name: string;
  /** `created` of the webhook's row: another webhook may have got its name. */
  readonly hook: number;
  /** Every event up to this revision has been sent, given up or dropped, or waits as a row. */
  readonly upTo: number;
  /** Grows with each write, so that of two senders one notices the other. */
  readonly writes: number;
  /** The next number of `WebhookEventRow.order`. */
  readonly next: number;
  /** Events that waited when it was written. */
  readonly waiting: number;
  readonly dropped: number;
  readonly success?: LastWebhookDelivery;
  readonly failure?: LastWebhookDelivery;
  readonly gap?: WebhookGap;
}

/** An event that waits to be sent, or was sent a moment ago. */
export interface WebhookEventRow extends Revisions {
  readonly kind: 'webhook-event';
  readonly namespace: string;
  /** Of the webhook. */
  readonly name: string;
  /** The header `webhook-id` of every try. */
  readonly id: string;
  readonly hook: number;
  /** They are sent in this order. */
  readonly order: number;
  /** What it is about: a sender that begins does not take it for another one. */
  readonly about: string;
  /** The log had reached this revision when it was found. It stays a row until `upTo` has, also when it was sent. */
  readonly foundAt: number;
  readonly type: string;
  /** As it is sent. */
  readonly body: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}
