/** The HTTP status of each error code, for front ends whose protocol has none: it is the label of their requests in the metrics. */

import type { ErrorCode } from '@rollcall/protocol';

export const statusByCode: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  aborted: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  deadline_exceeded: 504,
  cancelled: 499,
  unavailable: 503,
  unknown_outcome: 504,
  unimplemented: 501,
  data_loss: 500,
  internal: 500,
};
