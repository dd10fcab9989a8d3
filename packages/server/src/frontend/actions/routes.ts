/** The visible surface of this front end. */

import { actionSchema, administrativeStatuses, frameLimits as limits } from '@rollcall/protocol';
import { object, type DescribedRoute, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { actionNames, instancesMax, reasonMax, weightMax } from './request.ts';

export const path = '/rollcall/v1/actions';

const access: Access = { kind: 'demands-by-name', resource: 'service', verb: 'write' };

export const surface = { act: { path, methods: ['POST'], access, pattern: /^\/rollcall\/v1\/actions$/ } } as const;

const name: Schema = { type: 'string', maxLength: limits.nameMax };
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
          schema: actionSchema,
        },
      },
    },
  },
];
