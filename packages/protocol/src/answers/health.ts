/** The answers of `GET /rollcall/v1/health` and `GET /rollcall/v1/nodes`: services and nodes with the number of their instances by effective status. */

import { object, type Shaped } from '../schema.ts';
import { byStatus, can, count, labels, name, status, text, texts } from './values.ts';

const service = object({ service: name, tags: texts, instances: count, ...byStatus, can });

const node = object({
  ...{ node: name, address: text, meta: labels },
  status: { ...status, description: 'That of its own checks' },
  ...{ instances: count, ...byStatus, checks: object({ passing: count, warning: count, critical: count }), can },
});

export const serviceHealthSchema = object({ services: { type: 'array', items: service } });
export const nodeHealthSchema = object({ nodes: { type: 'array', items: node } });

export type ServiceHealth = Shaped<typeof service>;
export type ServiceHealthAnswer = Shaped<typeof serviceHealthSchema>;
export type NodeHealth = Shaped<typeof node>;
export type NodeHealthAnswer = Shaped<typeof nodeHealthSchema>;
