/** The answers of `GET /rollcall/v1/nodes/one` and `GET /rollcall/v1/instances`: one node, and instances with all that an operator wants to know of them. */

import { object, type Shaped } from '../schema.ts';
import { can, count, labels, name, status, text, texts, time, weight, yes } from './values.ts';

const check = object({
  ...{ id: text, name: text, type: text, status: { type: 'string', enum: ['passing', 'warning', 'critical'] }, output: text, notes: text },
  'target?': { ...text, description: 'Address of the probe, without secrets' },
  'intervalMs?': count,
  'ttlMs?': count,
});
const checks = { type: 'array', items: check } as const;

const placed = { service: name, id: text, address: text, port: count, status, weight, tags: texts } as const;

const onNode = object({ ...placed, can });

const instance = object({
  ...{ namespace: name, node: name, ...placed, meta: labels, can, checks },
  ...{ reported: text, enabled: yes, persistent: yes, registeredWeight: weight, registeredMs: time },
  'scheme?': text,
  'ports?': { type: 'object', additionalProperties: object({ 'port': count, 'scheme?': text }) },
  ...{ 'zone?': text, 'region?': text, 'cluster?': text, 'warningWeight?': weight, 'changedMs?': time },
  ...{ 'override?': text, 'weightOverride?': weight },
  'overridden?': object({ by: text, reason: text, atMs: time }),
  'session?': object({ name: text, liveness: text }),
});

export const nodeDetailSchema = object({
  ...{ 'node': name, 'address': text, 'id?': text, 'meta': labels, status, checks },
  instances: { type: 'array', items: onNode },
  count: { ...count, description: 'All instances that the caller may read; more than listed beyond the limit' },
  can,
});

export const instanceDetailsSchema = object({
  instances: { type: 'array', items: instance },
  count: { ...count, description: 'All that were found; more than listed beyond the limit' },
});

export type CheckDetail = Shaped<typeof check>;
export type InstanceOnNode = Shaped<typeof onNode>;
export type InstanceDetail = Shaped<typeof instance>;
export type NodeDetail = Shaped<typeof nodeDetailSchema>;
export type InstanceDetails = Shaped<typeof instanceDetailsSchema>;
