/** The answers of `/rollcall/v1/webhooks`: where a registry sends which events, and what came of the last ones. No answer has a secret. */

import { object, type Shaped } from '../schema.ts';
import { count, text, texts, time, yes } from './values.ts';

/** What an instance, a service, a configuration or a node of the store has gone through. */
export const webhookEvents = ['instance.critical', 'instance.recovered', 'service.empty', 'service.recovered', 'config.published', 'rollout.stopped', 'member.left'] as const;

const status = { ...count, description: 'Status of the answer; absent when there was none' } as const;

const outcome = { 'delivered': yes, 'status?': status, 'error?': text, 'final?': { ...yes, description: 'Another try would end the same way' } } as const;

const delivery = object({ 'id': text, 'type': text, 'atMs': { ...time, description: 'When it happened, in milliseconds since the Unix epoch' }, 'tries': count, ...outcome });

const last = object({ 'atMs': { ...time, description: 'When the try ended, in milliseconds since the Unix epoch, by the clock of the sender' }, 'type': text, 'tries': count, 'status?': status, 'error?': text });

const gap = object({
  from: count,
  to: { ...count, description: 'Changes of statuses and members after the revision from, and up to this one, could not be found: the history did not reach back' },
  atMs: { ...time, description: 'When the sender went on, in milliseconds since the Unix epoch' },
});

const webhook = object({
  'name': text,
  'url': text,
  'events': { type: 'array', items: { type: 'string', enum: webhookEvents } },
  'services?': { ...texts, description: 'Names of services and apps, or beginnings of names that end with "*"; all when absent' },
  'forMs': { ...count, description: 'How long an instance or a service must stay as it is before the event is sent, in milliseconds' },
  'disabled': yes,
  'isSender': { ...yes, description: 'Whether the process that answers sends for it' },
  'deliveries': { type: 'array', items: delivery, description: 'The last 20 of this process, the newest first; none if another one sends' },
  'waiting': { ...count, description: 'Events that wait in the log to be sent' },
  'dropped': { ...count, description: 'Events that were never sent, since too many waited' },
  'lastSuccess?': { ...last, description: 'The last delivery of any process' },
  'lastFailure?': { ...last, description: 'The last try of any process that failed' },
  'gap?': gap,
});

export const webhookListSchema = object({ webhooks: { type: 'array', items: webhook } });
export const webhookTestSchema = object(outcome);

export type WebhookEventType = (typeof webhookEvents)[number];
/** Whether the newest try to deliver has failed. */
export function isWebhookFailing(success: LastWebhookDelivery | undefined, failure: LastWebhookDelivery | undefined): boolean {
  return failure !== undefined && (success === undefined || failure.atMs > success.atMs);
}

/** What came of an event that was sent, or tried. */
export type WebhookDelivery = Shaped<typeof delivery>;
/** How the newest try of any process ended. */
export type LastWebhookDelivery = Shaped<typeof last>;
/** A time whose events a sender could not find. */
export type WebhookGap = Shaped<typeof gap>;
export type ShownWebhook = Shaped<typeof webhook>;
export type WebhookList = Shaped<typeof webhookListSchema>;
/** How one try to send ended. */
export type WebhookOutcome = Shaped<typeof webhookTestSchema>;
