/** The visible surface of this front end, as a table. Bodies are checked by the schemas that the OpenAPI document shows. */

import { doneSchema, webhookEvents, webhookListSchema, webhookTestSchema, type Shaped } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Parameter, type Schema } from '../../net/open-api.ts';
import { webhookLimits as limits } from '../../registry/kind/webhook/commands.ts';

export const prefix = '/rollcall/v1/webhooks';

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
        answer: json(webhookListSchema, 'By name'),
      },
    },
  },
  {
    path: prefix,
    methods: ['PUT', 'DELETE'],
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
    operations: {
      PUT: { summary: 'Create a webhook, or replace the one of this name', parameters: [named], body: json(setBody, 'The webhook'), answer: json(doneSchema, 'It is set') },
      DELETE: { summary: 'Delete a webhook; events that wait are not sent', parameters: [named], answer: json(doneSchema, 'Whether it was deleted; false: there is none') },
    },
  },
  {
    path: `${prefix}/test`,
    methods: ['POST'],
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
    operations: {
      POST: { summary: 'Send the event test to a webhook now, once', parameters: [named], answer: json(webhookTestSchema, 'What came of it') },
    },
  },
];
