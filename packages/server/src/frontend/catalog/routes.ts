/** The visible surface of this front end. */

import { frameLimits as limits, instanceDetailsSchema, nodeDetailSchema, nodeHealthSchema } from '@rollcall/protocol';
import type { Content, DescribedRoute, Parameter, Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export const prefixes = ['/rollcall/v1/nodes', '/rollcall/v1/instances'] as const;

const readsNodes: Access = { kind: 'filters', resources: ['node', 'service'] };
const readsServices: Access = { kind: 'demands-by-name', resource: 'service', verb: 'read' };
const readsNode: Access = { kind: 'demands-by-name', resource: 'node', verb: 'read' };
const methods = ['GET', 'HEAD'] as const;

export const surface = {
  nodes: { path: '/rollcall/v1/nodes', methods, access: readsNodes, pattern: /^\/rollcall\/v1\/nodes$/ },
  node: { path: '/rollcall/v1/nodes/one', methods, access: readsNode, pattern: /^\/rollcall\/v1\/nodes\/one$/ },
  instances: { path: '/rollcall/v1/instances', methods, access: readsServices, pattern: /^\/rollcall\/v1\/instances$/ },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;

const text: Schema = { type: 'string' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };
const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

const at: Parameter = { name: 'at', description: 'As of a past time: milliseconds since the Unix epoch, or `r` with a revision', schema: text };
const named = (description: string): Parameter => ({ name: 'service', description, required: true, schema: name });

export const described: readonly DescribedRoute[] = [
  {
    ...surface.nodes,
    operations: { GET: { summary: 'Nodes with the number of their instances by effective status, and of their checks', parameters: [at], answer: json(nodeHealthSchema, 'The nodes that the caller may read, in order; instances are those of the namespace that it may read') } },
  },
  {
    ...surface.node,
    operations: {
      GET: {
        summary: 'One node with its checks and instances',
        parameters: [{ name: 'name', description: 'The node', required: true, schema: name }, at],
        answer: json(nodeDetailSchema, 'The node as it is now'),
      },
    },
  },
  {
    ...surface.instances,
    operations: {
      GET: {
        summary: 'Instances of a service with their checks, overrides and weights: one of them, or all that have an override',
        parameters: [named('The service'), { name: 'id', description: 'One instance; without it those that have an override', schema: text }, { name: 'node', description: 'Its node, if several nodes have an instance with the id', schema: name }, at],
        answer: json(instanceDetailsSchema, 'The instances'),
      },
    },
  },
];
