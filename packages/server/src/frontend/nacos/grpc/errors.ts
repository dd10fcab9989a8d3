/** Errors as Nacos' gRPC has them: an answer with `resultCode` 500, and a number that says what is wrong. */

import type { ErrorCode } from '@rollcall/protocol';

/** Numbers of `NacosException` (`api/src/main/java/com/alibaba/nacos/api/exception/NacosException.java`). */
export const errorCodes = {
  invalidParam: 400,
  noRight: 403,
  notFound: 404,
  conflict: 409,
  serverError: 500,
  overThreshold: 503,
  /** The configuration does not exist (`ConfigQueryResponse.CONFIG_NOT_FOUND`). */
  configNotFound: 300,
  /** The connection has no stream, or its set-up has not come yet: the client connects again. */
  unregistered: 301,
  /** There is no such message. */
  noHandler: 302,
} as const;

export const errorCodeOf: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: errorCodes.invalidParam,
  not_found: errorCodes.notFound,
  already_exists: errorCodes.conflict,
  failed_precondition: errorCodes.conflict,
  aborted: errorCodes.conflict,
  permission_denied: errorCodes.noRight,
  unauthenticated: errorCodes.noRight,
  resource_exhausted: errorCodes.overThreshold,
  deadline_exceeded: errorCodes.serverError,
  cancelled: errorCodes.serverError,
  unavailable: errorCodes.serverError,
  unknown_outcome: errorCodes.serverError,
  unimplemented: errorCodes.noHandler,
  data_loss: errorCodes.serverError,
  internal: errorCodes.serverError,
};

/** The beginning of every answer that is no error. */
export const success = { resultCode: 200, errorCode: 0 } as const;

export function failure(errorCode: number, message: string): object {
  return { resultCode: 500, errorCode, message, success: false };
}
