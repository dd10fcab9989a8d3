/** The visible surface of this front end, as a table. */

import { frameLimits as limits } from '@rollcall/protocol';
import { object, type DescribedRoute, type Operation, type Schema } from '../../net/open-api.ts';

const name: Schema = { type: 'string', maxLength: limits.nameMax };
const several: Schema = { type: 'array', items: name };

const targets: Operation = {
  summary: 'Targets for http_sd_configs of Prometheus',
  parameters: [
    { name: 'service', description: 'Instances of any of these services', schema: several },
    { name: 'tag', description: 'Instances with all of these tags', schema: several },
    { name: 'filter', description: 'Instances that match an expression over namespace, service, node, id, address, port, scheme, zone, region, cluster, status, weight, tags, meta', schema: { type: 'string' } },
    { name: 'namespace', description: 'The namespace, by default that of the token; * for all', schema: name },
  ],
  answer: {
    type: 'application/json',
    description: 'All instances that the parameters select',
    schema: {
      type: 'array',
      items: object({
        targets: { type: 'array', items: { type: 'string' } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      }),
    },
  },
};

export const routes: readonly DescribedRoute[] = [
  { path: '/prometheus/v1/sd', methods: ['GET', 'HEAD'], access: { kind: 'filters', resources: ['service'] }, operations: { GET: targets } },
];
