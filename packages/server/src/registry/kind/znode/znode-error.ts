/**
 * Refusals of commands about znodes. Each has a reason beside its code: ZooKeeper's protocol has more numbers for them than the registry has
 * codes, and front ends translate the reason.
 */

import { RegistryError, type ErrorCode } from '@rollcall/protocol';

const codes = {
  'no-node': 'not_found',
  'node-exists': 'already_exists',
  'no-children-for-ephemerals': 'failed_precondition',
  'not-empty': 'failed_precondition',
  'bad-version': 'failed_precondition',
  'bad-arguments': 'invalid_argument',
  'invalid-acl': 'invalid_argument',
  'no-auth': 'permission_denied',
  'session-expired': 'failed_precondition',
  /** Another connection has taken the session over. */
  'session-moved': 'failed_precondition',
  /** A limit of Rollcall. */
  'quota-exceeded': 'resource_exhausted',
} as const satisfies Readonly<Record<string, ErrorCode>>;

/** The names of ZooKeeper's errors (`KeeperException.Code`) that decisions give. */
export type ZnodeReason = keyof typeof codes;

export class ZnodeError extends RegistryError {
  readonly reason: ZnodeReason;

  constructor(reason: ZnodeReason, message: string) {
    super(codes[reason], message);
    this.reason = reason;
  }
}

/** The reason of an error of this room; undefined for any other error. */
export function znodeReason(error: unknown): ZnodeReason | undefined {
  return error instanceof ZnodeError ? error.reason : undefined;
}

/** A path for messages: paths come from clients, and may be long. */
export function shown(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
