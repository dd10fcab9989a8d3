/** The answers of `GET /rollcall/v1/locks` and below it: one lock with its queue, the locks in use, and keys that sessions hold. */

import { frameLimits as limits } from '../frame-limits.ts';
import { lockPurposes } from '../frame-lock.ts';
import { object, type Shaped } from '../schema.ts';
import { can, count, text, time, yes } from './values.ts';

const uuid = { type: 'string', maxLength: 36 } as const;
const name = { type: 'string', maxLength: limits.lockNameMax } as const;
const token = { ...text, description: 'Fencing token: decimal digits of a number of up to 63 bits' } as const;
const since = { ...time, description: 'When it got the lock, or came to wait for it, by the clock of the registry: milliseconds since the Unix epoch' } as const;
const purpose = { type: 'string', enum: lockPurposes, description: 'What its contenders use it as, as they say' } as const;

/** Who has opened the session. */
const client = {
  'client?': { ...text, description: 'Name of the client that opened the session, as it says; absent for one of the HTTP API' },
  'address?': { ...text, description: 'That the session was opened from; with operator:read only' },
} as const;
const lockCan = { type: 'array', items: { type: 'string', enum: ['read', 'write', 'expel'] }, description: 'What the caller may do with it; expel: take it from its holder, give it to another contender, remove a contender from the queue' } as const;

const contender = object({
  'contender': uuid,
  'session': uuid,
  ...client,
  'token?': token,
  'shared?': yes,
  'sinceMs?': since,
  'ttlMs?': { type: 'integer', description: 'Time without a renewal after which its session ends, in milliseconds' },
  'value?': text,
});

const listed = object({
  name, 'purpose?': purpose, 'limit': count, 'shared?': yes, 'holding': count, 'waiting': count,
  'holders': { type: 'array', items: object({ 'contender': uuid, 'session': uuid, ...client, token, 'sinceMs?': since, 'value?': text }), description: 'At most 10' },
  'can': lockCan,
});

const heldKey = object({ 'key': text, 'revision': count, 'lockIndex': count, 'session?': object({ id: text, name: text, node: text }), can });

const paged = { 'count': { ...count, description: 'Of all pages' }, 'next?': { ...text, description: 'The last name of this page; absent on the last page' } } as const;

export const lockSchema = object({
  'namespace': text,
  name,
  'limit': { ...count, description: '0: it is not in use' },
  'purpose?': purpose,
  'holders': { type: 'array', items: contender },
  'waiting': { type: 'array', items: contender },
  'can': lockCan,
});
export const lockListSchema = object({ locks: { type: 'array', items: listed }, ...paged });
export const heldKeyListSchema = object({ keys: { type: 'array', items: heldKey }, ...paged });

/** Who holds a lock or waits for it. */
export type LockContender = Shaped<typeof contender>;
/** One lock with all of its queue. */
export type LockDetail = Shaped<typeof lockSchema>;
/** What a caller may do with a lock. */
export type LockRight = ListedLock['can'][number];
export type ListedLock = Shaped<typeof listed>;
export type LockList = Shaped<typeof lockListSchema>;
/** A key that a session holds, as clients of Consul lock. */
export type HeldKey = Shaped<typeof heldKey>;
export type HeldKeyList = Shaped<typeof heldKeyListSchema>;
