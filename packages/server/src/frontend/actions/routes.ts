/** The visible surface of this front end. */

import { administrativeStatuses, frameLimits as limits } from '@rollcall/protocol';
import { denialSchema, object, type DescribedRoute, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { actionNames, instancesMax, reasonMax, weightMax } from './request.ts';

export const path = '/rollcall/v1/actions';

const access: Access = { kind: 'demands-by-name', resource: 'service', verb: 'write' };

export const surface = { act: { path, methods: ['POST'], access, pattern: /^\/rollcall\/v1\/actions$/ } } as const;

const text: Schema = { type: 'string' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };
const count: Schema = { type: 'integer', minimum: 0 };
const weight: Schema = { type: 'number', minimum: 0, maximum: weightMax };
const override: Schema = { type: ['string', 'null'], enum: [...administrativeStatuses, null] };
const orNull = (schema: Schema, description: string): Schema => ({ anyOf: [schema, { type: 'null' }], description });
const overrides: Schema = object({ override, weight: orNull(weight, 'null: none') });
const instance: Schema = object({
  'service': name,
  'node?': { ...name, description: 'Needed when instances on several nodes have the id' },
  'id': name,
  'to?': { ...overrides, description: 'Of the action restore: the overrides to set; null for none' },
  'expected?': { ...overrides, description: 'Of the action restore: the overrides that the instance must have now' },
});
const request: Schema = object({
  'namespace?': { ...name, description: 'That of the token by default' },
  'action': { type: 'string', enum: [...actionNames] },
  'instances': { type: 'array', items: instance, maxItems: instancesMax },
  'weight?': orNull(weight, 'Of the action weight; null: that of the instance itself'),
  'reason?': { type: 'string', maxLength: reasonMax, description: 'For the audit log, and for those who see the override later' },
  'dryRun?': { type: 'boolean', description: 'Answers the same, and changes nothing' },
});

const at = { service: name, node: name, id: name };

export const described: readonly DescribedRoute[] = [
  {
    ...surface.act,
    operations: {
      POST: {
        summary: 'Drain instances, override their weights, check them now, or deregister them',
        body: { type: 'application/json', description: 'The instances, and what to do', schema: request },
        answer: {
          type: 'application/json',
          description: 'What the action came to',
          schema: object({
            'applied': { ...count, description: 'Instances to which it was, or would be, applied' },
            'of': { ...count, description: 'Instances of the services' },
            'leaves': { ...count, description: 'Instances that got traffic before and get none now' },
            'returns': { ...count, description: 'Instances that got none before and get traffic now' },
            'left': { ...count, description: 'Instances of the services that get traffic now' },
            'clients': orNull(count, 'Clients that watch the services; null: not known'),
            'refused': { type: 'array', items: object({ ...at, 'code': text, 'message': text, 'denial?': denialSchema }) },
            'checks?': { type: 'array', items: object({ ...at, check: text, status: { type: 'string', enum: ['passing', 'warning', 'critical', 'running', 'asked'] }, output: text }), description: 'Of the action check; asked: another node of the store runs the probe' },
            'undo': orNull({ type: 'object' }, 'The body of the request that takes it back; null: it cannot be taken back'),
            'dryRun': { type: 'boolean' },
          }),
        },
      },
    },
  },
];
