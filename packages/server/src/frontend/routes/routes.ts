/** The visible surface of this front end, as a table. */

import { frameLimits as limits, object, routeSchema, type Schema } from '@rollcall/protocol';
import type { Content, DescribedRoute, Parameter } from '../../net/open-api.ts';

export const prefix = '/rollcall/v1/routes';

/** Longest wait of one request, in milliseconds. */
export const waitMsMax = 600_000;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const yes: Schema = { type: 'boolean' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };

const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

const service: Parameter = { name: 'service', description: 'The service, which need not exist', required: true, schema: name };
const namespace: Parameter = { name: 'namespace', description: 'Its namespace, by default that of the token', schema: name };
const cas: Parameter = { name: 'cas', description: 'Revision of the route that is meant; 0: there must be none', schema: count };
const waiting: readonly Parameter[] = [
  { name: 'after', description: 'Revision of the last answer: waits for a newer one', schema: count },
  { name: 'waitMs', description: 'Longest wait, in milliseconds; then the answer is the present one', schema: { ...count, maximum: waitMsMax, default: 0 } },
];

const revision: Schema = { ...count, description: 'For after and cas' };

export const routes: readonly DescribedRoute[] = [
  {
    path: prefix,
    methods: ['GET', 'HEAD', 'PUT', 'DELETE'],
    access: { kind: 'demands-by-name', resource: 'service', verb: 'write' },
    operations: {
      GET: {
        summary: 'The route of a service, at once or after its next change',
        parameters: [service, namespace, ...waiting],
        answer: json(object({ 'namespace': text, 'service': text, 'revision': revision, 'route?': routeSchema }), 'The route; without one, the revision of its absence'),
      },
      PUT: {
        summary: 'Sets the whole route of a service',
        parameters: [service, namespace, cas],
        body: json(routeSchema, 'The route'),
        answer: json(object({ done: { ...yes, description: 'false: the route has another revision than cas' }, revision: { ...revision, description: 'That the route has now; 0: there is none' } }), 'Whether it was set'),
      },
      DELETE: {
        summary: 'Deletes the route of a service: clients go by their own options',
        parameters: [service, namespace, cas],
        answer: json(object({ done: { ...yes, description: 'false: there is none, or it has another revision than cas' } }), 'Whether it was deleted'),
      },
    },
  },
  {
    path: `${prefix}/list`,
    methods: ['GET', 'HEAD'],
    access: { kind: 'filters', resources: ['service'] },
    operations: {
      GET: {
        summary: 'The services that have a route, at once or after the next change',
        parameters: [namespace, ...waiting],
        answer: json(
          object({ namespace: text, revision, routes: { type: 'array', items: object({ service: text, revision, words: { type: 'array', items: text, description: 'What the route has rules about' } }) } }),
          'In order of their names; those that the token may not read are left out',
        ),
      },
    },
  },
];
