/** The numbers of ZooKeeper's protocol for errors, and which errors have none: they end the connection. */

import { isRegistryError, RegistryError, type ErrorCode } from '@rollcall/protocol';
import { errorCodes } from '../../jute/codes.ts';
import { znodeReason, type ZnodeReason } from '../../registry/kind/znode/znode-error.ts';

const byReason: Readonly<Record<ZnodeReason, number>> = {
  'no-node': errorCodes.noNode,
  'node-exists': errorCodes.nodeExists,
  'no-children-for-ephemerals': errorCodes.noChildrenForEphemerals,
  'not-empty': errorCodes.notEmpty,
  'bad-version': errorCodes.badVersion,
  'bad-arguments': errorCodes.badArguments,
  'invalid-acl': errorCodes.invalidAcl,
  'no-auth': errorCodes.noAuth,
  'session-expired': errorCodes.sessionExpired,
  'session-moved': errorCodes.sessionMoved,
  'quota-exceeded': errorCodes.quotaExceeded,
};

const byCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_argument: errorCodes.badArguments,
  permission_denied: errorCodes.noAuth,
  unauthenticated: errorCodes.authFailed,
  // Nothing was written, and clients try again.
  resource_exhausted: errorCodes.operationTimeout,
  aborted: errorCodes.operationTimeout,
};

/** The program may try again on another server, or does not know whether a write took effect: ZooKeeper's clients call both a loss of the connection. */
const endsConnection: ReadonlySet<ErrorCode> = new Set(['unavailable', 'unknown_outcome', 'cancelled']);

/** @returns undefined when the client has to be told by the end of its connection */
export function codeOf(error: unknown): number | undefined {
  const reason = znodeReason(error);
  if (reason === 'session-moved') return undefined;
  if (reason !== undefined) return byReason[reason];
  if (!isRegistryError(error)) return errorCodes.systemError;
  return endsConnection.has(error.code) ? undefined : (byCode[error.code] ?? errorCodes.systemError);
}

/** An error of ZooKeeper's protocol that no command gives. */
export class ZookeeperError extends RegistryError {
  readonly number: number;

  constructor(number: number, code: ErrorCode, message: string) {
    super(code, message);
    this.number = number;
  }
}
