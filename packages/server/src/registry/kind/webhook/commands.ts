/** The commands about webhooks, and their limits. */

import type { LastWebhookDelivery, WebhookEventType, WebhookGap } from '@rollcall/protocol';
import type { WebhookEventRow } from './rows.ts';

export const webhookLimits = {
  /** In one namespace; the front end refuses more. */
  webhooksMax: 100,
  nameMax: 64,
  urlMax: 2_048,
  servicesMax: 100,
  serviceMax: 255,
  /** Bytes of the key in a secret, as Standard Webhooks has them. */
  secretBytesMin: 24,
  secretBytesMax: 64,
  forMsDefault: 5_000,
  forMsMax: 3_600_000,
} as const;

/** Creates a webhook or replaces it. */
export interface WebhookSet {
  readonly kind: 'webhook-set';
  readonly namespace: string;
  readonly name: string;
  readonly url: string;
  /** That of the row stays when absent; a new webhook needs one. */
  readonly secret?: string;
  readonly events: readonly WebhookEventType[];
  readonly services?: readonly string[];
  readonly forMs?: number;
  readonly disabled?: boolean;
}

/** False when there is none. */
export interface WebhookDelete {
  readonly kind: 'webhook-delete';
  readonly namespace: string;
  readonly name: string;
}

/** The sender of a webhook says how far it has come. False, and nothing is written, when the webhook is another one, or another process has written since. */
export interface WebhookAdvance {
  readonly kind: 'webhook-advance';
  readonly namespace: string;
  readonly name: string;
  /** `created` of the webhook that the sender sends for. */
  readonly hook: number;
  /** `writes` of the progress that the sender knows; 0 for none. */
  readonly after: number;
  readonly upTo: number;
  /** Events that wait from now on, in this order. One with a known id stays. */
  readonly add: readonly Pick<WebhookEventRow, 'id' | 'type' | 'body' | 'atMs' | 'about' | 'foundAt'>[];
  /** Ids of events that are done. */
  readonly remove: readonly string[];
  readonly waiting: number;
  /** Events that were dropped since the last write. */
  readonly dropped: number;
  readonly success?: LastWebhookDelivery;
  readonly failure?: LastWebhookDelivery;
  readonly gap?: WebhookGap;
}
