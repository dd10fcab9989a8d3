/** The visible surface of this front end, as a table. */

import { clientListSchema, frameLimits as limits, topologySchema, type Schema } from '@rollcall/protocol';
import type { Content, DescribedRoute, Parameter } from '../../net/open-api.ts';

export const clientsPath = '/rollcall/v1/clients';
export const topologyPath = '/rollcall/v1/topology';

/** Clients of one answer. */
export const limitMax = 10_000;
export const limitDefault = 1_000;

const text: Schema = { type: 'string' };
const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

const namespace: Parameter = { name: 'namespace', description: 'By default that of the token', schema: { ...text, maxLength: limits.nameMax } };
const at: Parameter = { name: 'at', description: 'As of a past time: milliseconds since the Unix epoch, or `r` with a revision', schema: text };

export const surface = {
  clients: {
    path: clientsPath,
    methods: ['GET', 'HEAD'],
    access: { kind: 'filters', resources: ['service', 'key', 'lock', 'config', 'znode', 'operator'] },
    operations: {
      GET: {
        summary: 'The clients that are connected to any node',
        parameters: [
          namespace,
          { name: 'service', description: 'Only clients that watch or choose instances of this service', schema: text },
          { name: 'config', description: 'Only clients that follow this configuration, APP/NAME', schema: text },
          { name: 'search', description: 'Only clients with this text in their name, version, address or protocol', schema: text },
          { name: 'limit', description: 'Longest list', schema: { type: 'integer', minimum: 1, maximum: limitMax, default: limitDefault } },
          at,
        ],
        answer: json(clientListSchema, 'In no order; clients of which the token may read nothing are left out'),
      },
    },
  },
  topology: {
    path: topologyPath,
    methods: ['GET', 'HEAD'],
    access: { kind: 'filters', resources: ['service'] },
    operations: {
      GET: {
        summary: 'Who uses which service, from watches and from reports of picks',
        parameters: [namespace, at],
        answer: json(topologySchema, 'Edges from and to the namespace; those between services that the token may not read are left out'),
      },
    },
  },
} as const satisfies Record<string, DescribedRoute>;

export const described: readonly DescribedRoute[] = Object.values(surface);
