/** The HTTP status of each error code on the admin API. */

import type { ErrorCode } from '@rollcall/protocol';

/** As in the HTTP mapping of gRPC's codes, google/rpc/code.proto in github.com/googleapis/googleapis. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 400,
  aborted: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  deadline_exceeded: 504,
  cancelled: 499,
  unavailable: 503,
  unknown_outcome: 500,
  unimplemented: 501,
  data_loss: 500,
  internal: 500,
};
