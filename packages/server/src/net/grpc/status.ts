/** Error codes of the registry as status codes of gRPC (https://grpc.io/docs/guides/status-codes/), whose names they have. */

import { status } from '@grpc/grpc-js';
import { toRegistryError, type ErrorCode } from '@rollcall/protocol';

const grpcStatusByCode: Readonly<Record<ErrorCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  permission_denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  unavailable: status.UNAVAILABLE,
  // Clients retry `UNAVAILABLE`, and a write whose outcome is not known must not be sent again.
  unknown_outcome: status.UNKNOWN,
  unimplemented: status.UNIMPLEMENTED,
  data_loss: status.DATA_LOSS,
  internal: status.INTERNAL,
};

/** How a call ends: a rejection of a unary call, or what a stream emits as `error`. */
export interface Refusal {
  readonly code: status;
  readonly details: string;
}

export function refusal(error: unknown): Refusal {
  const { code, message } = toRegistryError(error);
  return { code: grpcStatusByCode[code], details: message };
}
