/** The visible surface of this front end, as a table. */

import { frameLimits as limits } from '@rollcall/protocol';
import { object, type DescribedRoute, type Schema } from '../../net/open-api.ts';
import { auditKinds } from '../../security/audit.ts';

export const prefix = '/rollcall/v1/activity';
/** Lines of a page. */
export const linesMax = 500;
export const linesByDefault = 100;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const time: Schema = { ...count, description: 'Milliseconds since the Unix epoch' };
const line = object({
  'node': text,
  'seq': { ...count, description: 'Number in the log of the node' },
  'time': { ...text, description: 'ISO 8601, in UTC' },
  'kind': { type: 'string', enum: [...auditKinds] },
  'accessorId': { ...text, description: 'Public id of the token; empty when it is unknown' },
  'person?': { ...text, description: 'Description of the token, for a caller with acl:read' },
  'namespace': text,
  'address': text,
  'via': { ...text, description: 'The front end' },
  'action': text,
  'dropped?': { ...count, description: 'Events that were lost before this one' },
});

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
        schema: object({
          'lines': { type: 'array', items: line },
          'cursor?': { ...text, description: 'Of the next page; absent when there is nothing older' },
          'backToMs?': { ...time, description: `${time.description}: how far back this page has looked` },
          'nodes': { type: 'array', items: object({ node: text, isLasting: { type: 'boolean', description: 'Whether its lines are in a file' } }) },
          'missing': { type: 'array', items: text, description: 'Nodes that have not answered' },
        }),
      },
    },
  },
} as const satisfies DescribedRoute;

export const routes: readonly DescribedRoute[] = [route];
