/** The answer of `GET /rollcall/v1/activity`: who did what, was refused or signed in, on any node. */

import { object, type Shaped } from '../schema.ts';
import { count, missing, text, time, yes } from './values.ts';

/** Of the lines of an audit log. */
export const auditKinds = ['write', 'denied', 'login', 'unauthenticated'] as const;

const line = object({
  'node': text,
  'seq': { ...count, description: 'Number in the log of the node' },
  'time': { ...text, description: 'ISO 8601, in UTC' },
  'kind': { type: 'string', enum: auditKinds },
  'accessorId': { ...text, description: 'Public id of the token; empty when it is unknown' },
  'person?': { ...text, description: 'Description of the token, for a caller with acl:read' },
  'namespace': text,
  'address': text,
  'via': { ...text, description: 'The front end' },
  'action': text,
  'dropped?': { ...count, description: 'Events that were lost before this one' },
});

export const activitySchema = object({
  'lines': { type: 'array', items: line },
  'cursor?': { ...text, description: 'Of the next page; absent when there is nothing older' },
  'backToMs?': { ...time, description: `${time.description}: how far back this page has looked` },
  'nodes': { type: 'array', items: object({ node: text, isLasting: { ...yes, description: 'Whether its lines are in a file' } }) },
  missing,
});

export type AuditKind = (typeof auditKinds)[number];
export type ActivityLine = Shaped<typeof line>;
/** A page of the activity, the newest lines first. */
export type ActivityAnswer = Shaped<typeof activitySchema>;
