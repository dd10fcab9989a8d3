/** The visible surface of this front end: patterns and access. */

import { frameLimits as limits } from '@rollcall/protocol';
import { object, type DescribedRoute, type Parameter, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { cardPath } from './marks.ts';

export const mcpPrefix = '/v0.1/';
export const agentsPrefix = '/rollcall/v1/agents';

/** A service that the caller may not read is as if it were missing. */
const access: Access = { kind: 'filters', resources: ['service'] };
const methods = ['GET', 'HEAD'];
const part = '[^/]+';

export const surface = {
  servers: { path: '/v0.1/servers', methods, access, pattern: /^\/v0\.1\/servers\/?$/ },
  versions: { path: '/v0.1/servers/{serverName}/versions', methods, access, pattern: new RegExp(`^/v0\\.1/servers/(?<serverPath>${part})/versions/?$`) },
  version: { path: '/v0.1/servers/{serverName}/versions/{version}', methods, access, pattern: new RegExp(`^/v0\\.1/servers/(?<serverPath>${part})/versions/(?<version>${part})$`) },
  agents: { path: agentsPrefix, methods, access, pattern: /^\/rollcall\/v1\/agents\/?$/ },
  card: { path: `${agentsPrefix}/{service}${cardPath}`, methods: ['GET'], access, pattern: new RegExp(`^/rollcall/v1/agents/(?<service>${part})${cardPath.replaceAll('.', '\\.')}$`) },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;

const text: Schema = { type: 'string', maxLength: limits.nameMax };
const pages: readonly Parameter[] = [
  { name: 'limit', description: 'Most entries of the page; 30 by default', schema: { type: 'integer', minimum: 1, maximum: 100 } },
  { name: 'cursor', description: 'The nextCursor of the page before', schema: { type: 'string' } },
  { name: 'search', description: 'A part of the name, in any case', schema: text },
];

/** The two routes that no other specification describes. */
export const described: readonly DescribedRoute[] = [
  {
    ...surface.agents,
    operations: {
      GET: {
        summary: 'Agents of A2A that answer',
        parameters: pages,
        answer: {
          type: 'application/json',
          description: 'A page of agents, in the order of their services',
          schema: object({
            agents: { type: 'array', items: object({ namespace: text, service: text, card: { type: 'string', description: 'Path of the card on this server' }, instances: { type: 'integer' } }) },
            metadata: object({ count: { type: 'integer' }, 'nextCursor?': { type: 'string' } }),
          }),
        },
      },
    },
  },
  {
    ...surface.card,
    operations: {
      GET: {
        summary: 'The card of an agent, as one of its instances serves it',
        parameters: [],
        answer: { type: 'application/json', description: 'An AgentCard of A2A', schema: { type: 'object' } },
      },
    },
  },
];
