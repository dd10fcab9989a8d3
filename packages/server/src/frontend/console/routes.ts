/** The visible surface of this front end. The console itself uses the native stream and the JSON API like any other client. */

import { overviewSchema, searchSchema, serviceHealthSchema } from '@rollcall/protocol';
import type { DescribedRoute } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { foundMax, typedMax } from './search.ts';

export const prefix = '/ui';
export const healthPrefix = '/rollcall/v1/health';
export const searchPrefix = '/rollcall/v1/search';
export const overviewPrefix = '/rollcall/v1/overview';

const open: Access = { kind: 'open', why: 'the program of the console is the same for all, and has no data of the registry' };
const own: Access = { kind: 'own-proof', why: 'the token in the body is the proof' };
const anonymous: Access = { kind: 'open', why: 'it is for callers who have no token yet, and names the ways to get one' };
const provider: Access = { kind: 'own-proof', why: 'the answer of the OpenID provider is the proof' };
const self: Access = { kind: 'open', why: 'it tells a caller about its own rights only' };

export const surface = {
  signIn: { path: '/ui/api/session', methods: ['POST'], access: own, pattern: /^\/ui\/api\/session$/ },
  signOut: { path: '/ui/api/session', methods: ['DELETE'], access: self, pattern: /^\/ui\/api\/session$/ },
  session: { path: '/ui/api/session', methods: ['GET'], access: self, pattern: /^\/ui\/api\/session$/ },
  methods: { path: '/ui/api/methods', methods: ['GET'], access: anonymous, pattern: /^\/ui\/api\/methods$/ },
  oidcStart: { path: '/ui/api/oidc/start', methods: ['POST'], access: anonymous, pattern: /^\/ui\/api\/oidc\/start$/ },
  oidcCallback: { path: '/ui/api/oidc/callback', methods: ['POST'], access: provider, pattern: /^\/ui\/api\/oidc\/callback$/ },
  can: { path: '/ui/api/can', methods: ['POST'], access: self, pattern: /^\/ui\/api\/can$/ },
  health: { path: '/rollcall/v1/health', methods: ['GET', 'HEAD'], access: { kind: 'filters', resources: ['service'] }, pattern: /^\/rollcall\/v1\/health$/ },
  search: { path: '/rollcall/v1/search', methods: ['GET'], access: { kind: 'filters', resources: ['service', 'node', 'key', 'config', 'lock'] }, pattern: /^\/rollcall\/v1\/search$/ },
  overview: { path: '/rollcall/v1/overview', methods: ['GET'], access: { kind: 'filters', resources: ['service', 'node', 'config', 'lock', 'operator'] }, pattern: /^\/rollcall\/v1\/overview$/ },
  page: { path: '/ui/{path}', methods: ['GET', 'HEAD'], access: open, pattern: /^\/ui(?:$|\/(?!api\/))/ },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;

export const described: readonly DescribedRoute[] = [
  {
    ...surface.health,
    operations: {
      GET: {
        summary: 'Services with the number of their instances by effective status',
        parameters: [{ name: 'at', description: 'A past time, in milliseconds since the Unix epoch, or `r` with a revision; now when absent', schema: { type: 'string' } }],
        answer: {
          type: 'application/json',
          description: 'The services of the namespace of the header X-Rollcall-Namespace, or of the token, that the caller may read, in order',
          schema: serviceHealthSchema,
        },
      },
    },
  },
  {
    ...surface.search,
    operations: {
      GET: {
        summary: 'Searches names and contents',
        parameters: [
          { name: 'q', description: 'What was typed: a part of a name, or of a content', required: true, schema: { type: 'string', minLength: 1, maxLength: typedMax } },
          { name: 'limit', description: 'How many; 20 when absent', schema: { type: 'integer', minimum: 1, maximum: foundMax } },
        ],
        answer: {
          type: 'application/json',
          description: 'What the caller may read in the namespace of the header X-Rollcall-Namespace, or of the token, the best first. It is not complete when its budget of work ended',
          schema: searchSchema,
        },
      },
    },
  },
  {
    ...surface.overview,
    operations: {
      GET: {
        summary: 'What is wrong, or under way, besides the health of services',
        parameters: [{ name: 'at', description: 'As of a past time: milliseconds since the Unix epoch, or `r` with a revision. Then only failed nodes, rollouts and open proposals are known', schema: { type: 'string' } }],
        answer: {
          type: 'application/json',
          description: 'One line for each service with fewer instances than normally, freeze, failed node, rollout, rollout that its alarm has ended, open proposal, release that clients do not use, and expiring certificate; at most 20 of a kind, and how many more there are',
          schema: overviewSchema,
        },
      },
    },
  },
];
