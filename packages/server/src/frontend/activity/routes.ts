/** The visible surface of this front end, as a table. */

import { activitySchema, auditKinds, frameLimits as limits } from '@rollcall/protocol';
import type { DescribedRoute, Schema } from '../../net/open-api.ts';

export const prefix = '/rollcall/v1/activity';
/** Lines of a page. */
export const linesMax = 500;
export const linesByDefault = 100;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };

export const route = {
  path: prefix,
  methods: ['GET', 'HEAD'],
  access: { kind: 'demands', resource: 'operator', verb: 'read' },
  operations: {
    GET: {
      summary: 'The newest lines of the audit logs of all nodes',
      parameters: [
        { name: 'kind', description: `Kinds of lines, with commas between them: ${auditKinds.join(', ')}; all by default`, schema: text },
        { name: 'person', description: 'Public id of a token', schema: { type: 'string', maxLength: 64 } },
        { name: 'namespace', description: 'A namespace; all by default', schema: { type: 'string', maxLength: limits.nameMax } },
        { name: 'text', description: 'A part of the action, the address or the front end, in any case', schema: { type: 'string', maxLength: limits.nameMax } },
        { name: 'from', description: 'First millisecond since the Unix epoch', schema: count },
        { name: 'until', description: 'First millisecond that is too late', schema: count },
        { name: 'at', description: 'Only lines that were written by this time: milliseconds since the Unix epoch, or r and a revision', schema: text },
        { name: 'before', description: 'The cursor of the page before', schema: text },
        { name: 'limit', description: `Most lines; ${linesByDefault} by default`, schema: { type: 'integer', minimum: 1, maximum: linesMax } },
      ],
      answer: {
        type: 'application/json',
        description: 'A page, the newest first. Without a file of the audit log, a node knows its last 2,000 lines since it started',
        schema: activitySchema,
      },
    },
  },
} as const satisfies DescribedRoute;

export const routes: readonly DescribedRoute[] = [route];
