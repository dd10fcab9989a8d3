/** Checks the parts of frames about locks, and of transactions that grants of locks guard. */

import type { LockGrant, LockWaiter, TxnWrite } from './frame-lock.ts';
import { frameLimits as limits } from './frame-limits.ts';
import { Malformed, boolean, compact, field, fields, integer, matching, name, oneOf, optional, string } from './shape.ts';
import { base64, flags, key, revision } from './value-checks.ts';

export function lockName(value: unknown, what: string): string {
  return name(value, what, limits.lockNameMax);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id of a session or a contender. */
export function lockId(value: unknown, what: string): string {
  return matching(value, what, 36, uuid, 'a UUID in lower case');
}

export function lockTtl(value: unknown, what: string): number {
  return integer(value, what, 1_000, 600_000);
}

export function lockToken(value: unknown, what: string): string {
  return matching(value, what, 20, /^[1-9]\d*$/, 'decimal digits in a string');
}

export function grant(value: unknown, what: string): LockGrant {
  const of = fields(value, what);
  return {
    name: lockName(field(of, 'name'), `${what}.name`),
    contender: lockId(field(of, 'contender'), `${what}.contender`),
    token: lockToken(field(of, 'token'), `${what}.token`),
  };
}

export function lockWaiter(value: unknown, what: string): LockWaiter {
  const of = fields(value, what);
  return compact<LockWaiter>({
    contender: lockId(field(of, 'contender'), `${what}.contender`),
    shared: optional(field(of, 'shared'), (shared) => boolean(shared, `${what}.shared`)),
    sinceMs: optional(field(of, 'sinceMs'), (given) => integer(given, `${what}.sinceMs`, 0, Number.MAX_SAFE_INTEGER)),
    value: optional(field(of, 'value'), (given) => string(given, `${what}.value`, Number.MAX_SAFE_INTEGER)),
  });
}

export function txnWrite(value: unknown, what: string): TxnWrite {
  const of = fields(value, what);
  const get = (part: string) => field(of, part);
  const type = oneOf(get('type'), `${what}.type`, ['put', 'delete']);
  const named = key(get('key'), `${what}.key`);
  const cas = optional(get('cas'), (given) => revision(given, `${what}.cas`));
  if (type === 'delete') return compact<TxnWrite>({ type, key: named, cas });
  return compact<TxnWrite>({ type, key: named, value: base64(get('value'), `${what}.value`), flags: optional(get('flags'), flags), cas });
}

/** @throws Malformed when the limit and the sharing of a lock do not fit together */
export function checkSharing(limit: number | undefined, shared: boolean | undefined): void {
  if (shared === true && limit !== undefined && limit !== 1) throw new Malformed(`limit is ${limit}, a lock that is shared has the limit 1`);
}
