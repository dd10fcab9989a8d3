/** The visible surface of this front end, as a table. Bodies are checked by the schemas that the OpenAPI document shows. */

import type { Shaped } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Parameter, type Schema } from '../../net/open-api.ts';
import { webhookLimits as limits } from '../../registry/kind/webhook/commands.ts';
import { webhookEvents } from '../../registry/kind/webhook/rows.ts';

export const prefix = '/rollcall/v1/webhooks';

const text = { type: 'string' } as const;
const yes = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const nameOf = { type: 'string', maxLength: limits.nameMax } as const;
const events = { type: 'array', items: { type: 'string', enum: webhookEvents }, maxItems: webhookEvents.length } as const;
const services = { type: 'array', items: { type: 'string', maxLength: limits.serviceMax + 1 }, maxItems: limits.servicesMax, description: 'Names of services and apps, or beginnings of names that end with "*"; all when absent' } as const;
const forMs = { ...count, maximum: limits.forMsMax, description: `How long an instance or a service must stay as it is; ${limits.forMsDefault} by default` } as const;

export const setBody = object({
  'url': { type: 'string', maxLength: limits.urlMax },
  'secret?': { type: 'string', maxLength: 128, description: 'whsec_ and 24 to 64 random bytes in base64; an existing webhook keeps its own when absent' },
  events,
  'services?': services,
  'forMs?': forMs,
  'disabled?': yes,
});
export type SetBody = Shaped<typeof setBody>;

const status = { ...count, description: 'Status of the answer; absent when there was none' };
const delivery: Schema = object({ 'id': text, 'type': text, 'atMs': { ...count, description: 'When it happened, in milliseconds since the Unix epoch' }, 'tries': count, 'delivered': yes, 'status?': status, 'error?': text, 'final?': { ...yes, description: 'It is not tried again' } });
const lastDelivery = object({ 'atMs': { ...count, description: 'When the try ended, in milliseconds since the Unix epoch' }, 'type': text, 'tries': count, 'status?': status, 'error?': text });
const webhook: Schema = object({
  'name': text,
  'url': text,
  events,
  'services?': services,
  'forMs': forMs,
  'disabled': yes,
  'isSender': { ...yes, description: 'Whether the process that answers sends for it' },
  'deliveries': { type: 'array', items: delivery, description: 'The last 20 of this process, the newest first; none if another one sends' },
  'waiting': { ...count, description: 'Events that wait in the log to be sent' },
  'dropped': { ...count, description: 'Events that were never sent, since too many waited' },
  'lastSuccess?': { ...lastDelivery, description: 'The last delivery of any process' },
  'lastFailure?': { ...lastDelivery, description: 'The last try of any process that failed' },
  'gap?': object({ from: count, to: { ...count, description: 'Changes of statuses and members after the revision from, and up to this one, could not be found: the history did not reach back' }, atMs: { ...count, description: 'When, in milliseconds since the Unix epoch' } }),
});

const named: Parameter = { name: 'name', description: 'Name of the webhook', required: true, schema: nameOf };
const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

export const routes: readonly DescribedRoute[] = [
  {
    path: prefix,
    methods: ['GET', 'HEAD'],
    access: { kind: 'demands', resource: 'operator', verb: 'read' },
    operations: {
      GET: {
        summary: 'Webhooks of a namespace with their last deliveries, without their secrets',
        parameters: [{ name: 'name', description: 'Only the webhook of this name', schema: nameOf }],
        answer: json(object({ webhooks: { type: 'array', items: webhook } }), 'By name'),
      },
    },
  },
  {
    path: prefix,
    methods: ['PUT', 'DELETE'],
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
    operations: {
      PUT: { summary: 'Create a webhook, or replace the one of this name', parameters: [named], body: json(setBody, 'The webhook'), answer: json(object({ done: yes }), 'It is set') },
      DELETE: { summary: 'Delete a webhook; events that wait are not sent', parameters: [named], answer: json(object({ done: { ...yes, description: 'false: there is none' } }), 'Whether it was deleted') },
    },
  },
  {
    path: `${prefix}/test`,
    methods: ['POST'],
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
    operations: {
      POST: { summary: 'Send the event test to a webhook now, once', parameters: [named], answer: json(object({ 'delivered': yes, 'status?': status, 'error?': text, 'final?': yes }), 'What came of it') },
    },
  },
];
