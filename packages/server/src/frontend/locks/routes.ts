/** The visible surface of this front end, as a table. */

import { frameLimits as limits, heldKeyListSchema, lockListSchema, lockPurposes, lockSchema } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Operation, type Parameter, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export type Action = 'look' | 'list' | 'keys' | 'expel' | 'hand-over' | 'session' | 'renew' | 'end' | 'acquire' | 'release' | 'transfer';

export interface Route extends DescribedRoute {
  readonly action: Action;
}

/** Longest wait of one request, in milliseconds. */
export const waitMsMax = 600_000;

const text: Schema = { type: 'string' };
const yes: Schema = { type: 'boolean' };
const uuid: Schema = { type: 'string', maxLength: 36 };
const name: Schema = { type: 'string', maxLength: limits.lockNameMax };
const token: Schema = { ...text, description: 'Fencing token: decimal digits of a number of up to 63 bits' };
const session = object({ id: uuid, token: { type: 'string', maxLength: 128, description: '32 characters or more, chosen at random by the client' } });
const place = { 'namespace?': { ...name, default: 'default' }, session };
const contender = { ...place, name, contender: { ...uuid, description: 'Chosen by the client, another one for each time that it wants the lock' } };
const ttlMs: Schema = { type: 'integer', minimum: 1_000, maximum: 600_000, description: 'Time without a renewal after which the session ends' };

const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });
const operation = (summary: string, body: Schema, answer: Content): Operation => ({ summary, body: json(body, 'What to do'), answer });

/** Rows of one answer. */
export const rowsMax = 1_000;
export const { reasonMax } = limits;

const purpose: Schema = { type: 'string', enum: [...lockPurposes], description: 'What its contenders use it as, as they say' };
const named: readonly Parameter[] = [
  { name: 'name', description: 'The lock', required: true, schema: name },
  { name: 'namespace', description: 'Its namespace', schema: { ...name, default: 'default' } },
];

const look: Operation = {
  summary: 'Who holds a lock, and who waits for it',
  parameters: named,
  answer: json(lockSchema, 'Holders in the order of their tokens, contenders in the order of the queue; a lock that is not in use has none'),
};

const pages: readonly Parameter[] = [
  { name: 'namespace', description: 'Their namespace', schema: { ...name, default: 'default' } },
  { name: 'filter', description: 'Only those whose name contains this, in any case', schema: { type: 'string', maxLength: limits.lockNameMax } },
  { name: 'after', description: 'Only names above this one: `next` of the page before', schema: text },
  { name: 'limit', description: 'Most rows', schema: { type: 'integer', minimum: 1, maximum: rowsMax, default: rowsMax } },
  { name: 'at', description: 'A past time, in milliseconds since the Unix epoch, or `r` with a revision; now when absent', schema: text },
];

const list: Operation = {
  summary: 'The locks in use',
  parameters: pages,
  answer: json(lockListSchema, 'Those that the caller may read, in order; the ETag changes with them'),
};

const keys: Operation = {
  summary: 'Keys that sessions hold, as clients of Consul lock',
  parameters: pages,
  answer: json(heldKeyListSchema, 'Those that the caller may read, in order, with the sessions that it may read'),
};

const operatorWrite: Access = { kind: 'demands-by-name', resource: 'operator', verb: 'write' };
const byOperator = { 'namespace?': { ...name, default: 'default' }, name, 'contender': uuid, 'reason?': { type: 'string', maxLength: reasonMax, description: 'For the audit log' } } as const;

const write: Access = { kind: 'demands-by-name', resource: 'lock', verb: 'write' };
const ownProof: Access = { kind: 'own-proof', why: 'the token of the session; it gives up what it has, and takes nothing' };
const post = (path: string, action: Action, access: Access, described: Operation): Route => ({ path: `/rollcall/v1/locks/${path}`, methods: ['POST'], action, access, operations: { POST: described } });

export const routes: readonly Route[] = [
  { path: '/rollcall/v1/locks', methods: ['GET', 'HEAD'], action: 'look', access: { kind: 'demands-by-name', resource: 'lock', verb: 'read' }, operations: { GET: look } },
  { path: '/rollcall/v1/locks/list', methods: ['GET', 'HEAD'], action: 'list', access: { kind: 'filters', resources: ['lock'] }, operations: { GET: list } },
  { path: '/rollcall/v1/locks/keys', methods: ['GET', 'HEAD'], action: 'keys', access: { kind: 'filters', resources: ['key', 'session'] }, operations: { GET: keys } },
  post('expel', 'expel', operatorWrite, operation('As an operator, take a lock from its holder, or a contender out of the queue', object(byOperator), json(object({ expelled: yes }), 'Whether there was such a contender'))),
  post('hand-over', 'hand-over', operatorWrite, operation('As an operator, give a lock from its holder to a contender that waits', object({ ...byOperator, to: uuid }), json(object({ handedOver: yes }), 'Whether it held the lock'))),
  post('session', 'session', write, operation('Open a session of locks, or take it over', object({ ...place, name, ttlMs }), json(object({ session: uuid }), 'It is open'))),
  post(
    'renew',
    'renew',
    ownProof,
    operation(
      'Renew a session, and ask whether its grants stand',
      object({ ...place, 'grants?': { type: 'array', items: object({ name, contender: uuid, token }) } }),
      json(object({ alive: yes, lost: { type: 'array', items: uuid } }), 'Whether the session lives, and the contenders whose grants do not stand'),
    ),
  ),
  post('end', 'end', ownProof, operation('End a session: the next contenders get its locks', object(place), json(object({ ended: yes }), 'Whether there was one'))),
  post(
    'acquire',
    'acquire',
    write,
    operation(
      'Wait for a lock',
      object({ ...contender, 'limit?': { type: 'integer', minimum: 1, maximum: limits.lockHoldersMax, default: 1 }, 'shared?': yes, 'value?': { type: 'string', maxLength: limits.lockValueMax }, 'purpose?': purpose, 'waitMs?': { type: 'integer', minimum: 0, maximum: waitMsMax, default: 0 } }),
      json(object({ 'state': { type: 'string', enum: ['holds', 'busy', 'late'] }, 'token?': token }), 'Whether the contender holds the lock; late: it has left the queue'),
    ),
  ),
  post('release', 'release', ownProof, operation('Give a lock to the next contender, or leave the queue', object(contender), json(object({ released: yes }), 'Whether it held the lock or waited'))),
  post('transfer', 'transfer', write, operation('Give a lock to a certain contender', object({ ...contender, to: uuid }), json(object({ transferred: yes }), 'Whether it held the lock'))),
];
