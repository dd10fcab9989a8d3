/** The visible surface of this front end: what can be asked of the past. */

import { checkChangesSchema, frameLimits, healthStripSchema, historyDiffSchema, historySchema, pastViewSchema } from '@rollcall/protocol';
import type { DescribedRoute, Parameter, Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export const prefix = '/rollcall/v1/history';

const open: Access = { kind: 'open', why: 'it says from when on the past can be read, and nothing of its content' };
const service: Access = { kind: 'demands-by-name', resource: 'service', verb: 'read' };
const all: Access = { kind: 'filters', resources: ['service', 'node', 'key', 'config', 'lock'] };
const view: Access = { kind: 'filters', resources: ['service', 'node', 'key', 'lock', 'config'] };

export const surface = {
  history: { path: prefix, methods: ['GET'], access: open, pattern: /^\/rollcall\/v1\/history$/ },
  view: { path: `${prefix}/view`, methods: ['GET'], access: view, pattern: /^\/rollcall\/v1\/history\/view$/ },
  strip: { path: `${prefix}/strip`, methods: ['GET'], access: service, pattern: /^\/rollcall\/v1\/history\/strip$/ },
  checks: { path: `${prefix}/checks`, methods: ['GET'], access: service, pattern: /^\/rollcall\/v1\/history\/checks$/ },
  diff: { path: `${prefix}/diff`, methods: ['GET'], access: all, pattern: /^\/rollcall\/v1\/history\/diff$/ },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;

export const viewKinds = ['service', 'services', 'route', 'key', 'prefix', 'lock', 'config'] as const;

/** Most cells of a strip: minutes of two days. */
export const cellsMax = 2_880;
export const limits = { checks: { usual: 100, max: 1_000 }, diff: { usual: 1_000, max: 10_000 } } as const;

const integer: Schema = { type: 'integer' };
const text: Schema = { type: 'string', maxLength: frameLimits.nameMax };
const moment = 'milliseconds since the Unix epoch, or `r` with a revision';
const namespace: Parameter = { name: 'namespace', description: 'That of the header X-Rollcall-Namespace, or of the token, when absent', schema: text };

export const described: readonly DescribedRoute[] = [
  {
    ...surface.history,
    operations: {
      GET: {
        summary: 'From when on the past can be read',
        answer: {
          type: 'application/json',
          description: 'The first time and revision that can be asked for, the present ones, and the size of the history; a limit of 0: there is none',
          schema: historySchema,
        },
      },
    },
  },
  {
    ...surface.view,
    operations: {
      GET: {
        summary: 'A view of the native stream as of a past time',
        parameters: [
          { name: 'kind', description: 'Of the view', required: true, schema: { enum: [...viewKinds] } },
          { name: 'name', description: 'Of the view; absent for services, APP/NAME for a configuration', schema: text },
          { name: 'cluster', description: 'Of a configuration only', schema: text },
          { name: 'at', description: `A past time: ${moment}`, required: true, schema: { type: 'string' } },
          namespace,
        ],
        answer: {
          type: 'application/json',
          description: 'The items of a snapshot of the view; partial: the token may not read all of it. Secrets in configurations are masked',
          schema: pastViewSchema,
        },
      },
    },
  },
  {
    ...surface.strip,
    operations: {
      GET: {
        summary: 'The health of a service over a time, in cells',
        parameters: [
          { name: 'service', description: 'Its name', required: true, schema: text },
          { name: 'from', description: 'Begin of the first cell, in milliseconds since the Unix epoch; 24 hours before the end when absent', schema: integer },
          { name: 'to', description: 'End of the last one; now when absent', schema: integer },
          { name: 'cells', description: 'How many; one a minute when absent', schema: { type: 'integer', minimum: 1, maximum: cellsMax } },
          namespace,
        ],
        answer: {
          type: 'application/json',
          description: 'The moment of each cell at which the most instances got no traffic, and the worst status in it; null for a cell before the history begins, or in the future',
          schema: healthStripSchema,
        },
      },
    },
  },
  {
    ...surface.checks,
    operations: {
      GET: {
        summary: "Status changes of an instance's checks",
        parameters: [
          { name: 'service', description: 'Of the instance', required: true, schema: text },
          { name: 'node', description: 'Its node; absent for an instance without one', schema: text },
          { name: 'id', description: 'Its id', required: true, schema: text },
          { name: 'limit', description: `Most changes; ${limits.checks.usual} when absent`, schema: { type: 'integer', minimum: 1, maximum: limits.checks.max } },
          namespace,
        ],
        answer: {
          type: 'application/json',
          description: 'The newest changes first, those of its node too; how often a check became critical since the history begins. A status of null: there was no such check',
          schema: checkChangesSchema,
        },
      },
    },
  },
  {
    ...surface.diff,
    operations: {
      GET: {
        summary: 'What differs between two times',
        parameters: [
          { name: 'from', description: `The earlier time: ${moment}`, required: true, schema: { type: 'string' } },
          { name: 'to', description: 'The later one; now when absent', schema: { type: 'string' } },
          { name: 'limit', description: `Most changes; ${limits.diff.usual} when absent`, schema: { type: 'integer', minimum: 1, maximum: limits.diff.max } },
          namespace,
        ],
        answer: {
          type: 'application/json',
          description: 'What was added, removed and changed, with the fields that differ; truncated: there is more',
          schema: historyDiffSchema,
        },
      },
    },
  },
];
