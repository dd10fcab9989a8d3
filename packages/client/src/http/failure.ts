/** Classifies errors of the HTTP transport by the outcome of the try; the codes are those of undici 7 and of Node. */

import { isRegistryError } from '@rollcall/protocol';
import type { Failure } from '../resilience/retry.ts';

/** Faults of the request itself, which would fail at every endpoint. */
const badRequests: ReadonlySet<unknown> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

/**
 * @param sent whether a connection existed and the request had begun to be written
 * @returns undefined when the endpoint is not the cause and a retry would not help
 */
export function failureOf(error: unknown, sent: boolean): Failure | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // `cancelled`: the client was closed.
  if (badRequests.has(code) || isRegistryError(error, 'cancelled')) return undefined;
  // Every other error before the request is written comes from the connection.
  if (!sent) return 'unsent';
  return code === 'UND_ERR_HEADERS_TIMEOUT' ? 'late' : 'broken';
}
