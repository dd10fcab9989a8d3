/** Interprets a failed call to etcd: whether a write may have taken effect, and what an operator can do. */

import { status, type ServiceError } from '@grpc/grpc-js';
import { RegistryError } from '@rollcall/protocol';

/** A call that failed. */
export class CallError extends Error {
  /** A status of gRPC. */
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.name = 'CallError';
    this.code = code;
  }
}

export function callError(error: unknown): CallError {
  const { code, details, message } = error as ServiceError;
  if (error instanceof CallError) return error;
  return new CallError(typeof code === 'number' ? code : status.UNKNOWN, details || message || String(error));
}

/** Refusals that etcd sends before it proposes a transaction, so nothing was written (`rpctypes/error.go`). */
const refused: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
  status.UNIMPLEMENTED,
  status.OUT_OF_RANGE,
  status.NOT_FOUND,
]);

/**
 * etcd's quota is used up. etcd sends this before it proposes a transaction, but also after one that took effect and used up
 * the quota.
 */
export function isOutOfSpace({ code, message }: CallError): boolean {
  return code === status.RESOURCE_EXHAUSTED && message.includes('database space exceeded');
}

export function isTooManyOperations({ code, message }: CallError): boolean {
  return code === status.INVALID_ARGUMENT && message.includes('too many operations');
}

/** A read was under way while the members chose another leader. */
export function isLeaderChange({ code, message }: CallError): boolean {
  return code === status.UNAVAILABLE && message.includes('leader changed');
}

export function isCompacted({ code, message }: CallError): boolean {
  return code === status.OUT_OF_RANGE && message.includes('compacted');
}

/** A revision was requested that the store has not reached. */
export function isFuture({ code, message }: CallError): boolean {
  return code === status.OUT_OF_RANGE && message.includes('future');
}

/** The token of the user is no longer valid, or the users were changed meanwhile; the call had no effect. */
export function wantsNewToken({ code, message }: CallError): boolean {
  return message.includes('invalid auth token') || message.includes('revision of auth store is old') || (code === status.INVALID_ARGUMENT && message.includes('user name is empty'));
}

/** A read failed; it can be sent again. */
export function readError(error: CallError): RegistryError {
  return new RegistryError('unavailable', `etcd did not answer: ${advice(error)}`, { cause: error });
}

/** A transaction failed after it was sent. */
export function writeError(error: CallError): RegistryError {
  const { code, message } = error;
  if (isOutOfSpace(error)) return new RegistryError('resource_exhausted', spaceAdvice, { cause: error });
  if (refused.has(code) || message.includes('too many requests')) {
    return new RegistryError('unavailable', `etcd refused the write, nothing was written: ${advice(error)}`, { cause: error });
  }
  const what = `etcd did not say whether the write took effect: ${message}; read the value before you write again`;
  return new RegistryError('unknown_outcome', what, { cause: error });
}

const spaceAdvice =
  'etcd has used up its space and accepts no writes (alarm NOSPACE); compact and defragment it, or start it with a larger --quota-backend-bytes, then run: etcdctl alarm disarm';

/** What happened, and what an operator can do. */
export function advice({ code, message }: CallError): string {
  if (code === status.PERMISSION_DENIED) return `${message}; grant the user readwrite permission on the keys below --engine-prefix`;
  if (code === status.UNAUTHENTICATED || message.includes('user name is empty')) {
    return `${message}; set --engine-user and --engine-password-file`;
  }
  if (code === status.DATA_LOSS) return `${message}; the members of etcd disagree (alarm CORRUPT), see etcd's guide on data corruption`;
  if (message.includes('request is too large')) return `${message}; start etcd with its default --max-request-bytes, or more`;
  if (message.includes('too many operations')) return `${message}; start etcd with its default --max-txn-ops (128), or more`;
  return message;
}
