/** The visible surface of this front end, as a table. */

import { frameLimits as limits } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Operation, type Parameter, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export type Action = 'look' | 'session' | 'renew' | 'end' | 'acquire' | 'release' | 'transfer';

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

const one = object({ 'contender': uuid, 'token?': token, 'shared?': yes, 'value?': text });
const named: readonly Parameter[] = [
  { name: 'name', description: 'The lock', required: true, schema: name },
  { name: 'namespace', description: 'Its namespace', schema: { ...name, default: 'default' } },
];

const look: Operation = {
  summary: 'Who holds a lock, and who waits for it',
  parameters: named,
  answer: json(
    object({ namespace: text, name, limit: { type: 'integer', minimum: 0 }, holders: { type: 'array', items: one }, waiting: { type: 'array', items: one } }),
    'Holders in the order of their tokens, contenders in the order of the queue; a lock that is not in use has none',
  ),
};

const write: Access = { kind: 'demands-by-name', resource: 'lock', verb: 'write' };
const ownProof: Access = { kind: 'own-proof', why: 'the token of the session; it gives up what it has, and takes nothing' };
const post = (path: string, action: Action, access: Access, described: Operation): Route => ({ path: `/rollcall/v1/locks/${path}`, methods: ['POST'], action, access, operations: { POST: described } });

export const routes: readonly Route[] = [
  { path: '/rollcall/v1/locks', methods: ['GET', 'HEAD'], action: 'look', access: { kind: 'demands-by-name', resource: 'lock', verb: 'read' }, operations: { GET: look } },
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
      object({ ...contender, 'limit?': { type: 'integer', minimum: 1, maximum: limits.lockHoldersMax, default: 1 }, 'shared?': yes, 'value?': { type: 'string', maxLength: limits.lockValueMax }, 'waitMs?': { type: 'integer', minimum: 0, maximum: waitMsMax, default: 0 } }),
      json(object({ 'state': { type: 'string', enum: ['holds', 'busy', 'late'] }, 'token?': token }), 'Whether the contender holds the lock; late: it has left the queue'),
    ),
  ),
  post('release', 'release', ownProof, operation('Give a lock to the next contender, or leave the queue', object(contender), json(object({ released: yes }), 'Whether it held the lock or waited'))),
  post('transfer', 'transfer', write, operation('Give a lock to a certain contender', object({ ...contender, to: uuid }), json(object({ transferred: yes }), 'Whether it held the lock'))),
];
