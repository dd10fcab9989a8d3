/**
 * The one error type of Rollcall and its closed list of codes.
 *
 * Codes follow gRPC's canonical names (https://grpc.io/docs/guides/status-codes/), plus
 * `unknown_outcome` for a write that may or may not have been applied. Front ends map codes to their own
 * statuses; callers match by code with `isRegistryError`, never by `instanceof`, since two copies
 * of this package may be loaded. docs/reference/errors.md explains each code.
 */

export const errorCodes = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'aborted',
  'permission_denied',
  'unauthenticated',
  'resource_exhausted',
  'deadline_exceeded',
  'cancelled',
  'unavailable',
  'unknown_outcome',
  'unimplemented',
  'data_loss',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

const brand = Symbol.for('rollcall.error');

export class RegistryError extends Error {
  readonly code: ErrorCode;
  readonly [brand] = true;

  /** @param message what happened, the offending value, the limit and what to do; lower case */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
  }
}

/** Tells whether `error` is a RegistryError, of the given code if one is given. */
export function isRegistryError(error: unknown, code?: ErrorCode): error is RegistryError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || (error as RegistryError).code === code;
}

/** Converts any thrown value to a RegistryError; an unexpected error becomes `internal`. */
export function toRegistryError(error: unknown): RegistryError {
  if (isRegistryError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RegistryError('internal', message, { cause: error });
}
