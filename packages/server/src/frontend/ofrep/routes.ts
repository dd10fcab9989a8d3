/** The visible surface of this front end: patterns and access. The configuration with the flags is a part of the base URL of the client. */

import type { Access } from '../../security/access.ts';

export const prefix = '/ofrep/';

const part = '[^/]+';
const base = `^/ofrep/(?<app>${part})/(?<name>${part})/ofrep/v1`;

const byName: Access = { kind: 'demands-by-name', resource: 'config', verb: 'read' };

export const surface = {
  single: { path: '/ofrep/{app}/{name}/ofrep/v1/evaluate/flags/{key}', methods: ['POST'], access: byName, pattern: new RegExp(`${base}/evaluate/flags/(?<keyPath>.+)$`) },
  bulk: { path: '/ofrep/{app}/{name}/ofrep/v1/evaluate/flags', methods: ['POST'], access: byName, pattern: new RegExp(`${base}/evaluate/flags/?$`) },
  events: {
    path: '/ofrep/{app}/{name}/ofrep/v1/events',
    methods: ['GET'],
    access: { kind: 'own-proof', why: 'an EventSource sends no headers, so the URL that a bulk answer gave proves itself' },
    pattern: new RegExp(`${base}/events$`),
  },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;
