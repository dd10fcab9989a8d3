/**
 * Errors in the form of Eureka on Spring Boot: `{"timestamp", "status", "error", "path"}`, here with a `message` for people. Clients
 * read the status only; a 404 to a heartbeat makes them register again.
 */

import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '@rollcall/protocol';

export const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  unimplemented: 501,
  failed_precondition: 409,
  already_exists: 409,
  aborted: 503,
  resource_exhausted: 503,
  deadline_exceeded: 503,
  cancelled: 503,
  // Clients try the next server after a 5xx.
  unavailable: 503,
  unknown_outcome: 503,
  data_loss: 500,
  internal: 500,
};

export function errorBody(status: number, message: string, path: string, now: number): string {
  const error = STATUS_CODES[status] ?? 'Error';
  return JSON.stringify({ timestamp: new Date(now).toISOString(), status, error, message, path });
}

/** A refusal with Eureka's own body, which is plain text. */
export class BadInstance extends Error {}

/** The body cannot be read at all; Eureka on Spring Boot answers `{"error": "cannot parse request body"}`. */
export class Unreadable extends Error {}
