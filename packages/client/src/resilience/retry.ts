/**
 * Whether another try may follow a failed one. Pure: it decides whether a retry is safe and
 * useful; the caller keeps the budget and the limit of tries and chooses the endpoint.
 */

/**
 * How a try ended without an answer to pass on:
 * - `unsent`: there was no connection, so nothing of the request reached the endpoint;
 * - `broken`: the connection broke after the request was sent and before the answer began;
 * - `late`: no answer within the time for one try;
 * - `refused`: the endpoint answered that it cannot serve now (HTTP 502, 503, 504).
 */
export type Failure = 'unsent' | 'broken' | 'late' | 'refused';

/**
 * Methods whose requests have the same effect when sent twice (RFC 9110 §9.2.2). A client must
 * not repeat others automatically, unless it knows that they were not applied.
 */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

/**
 * Statuses that come from a gateway or an overloaded endpoint, where another endpoint may well succeed. A 500 is
 * the application's answer, and 429 asks the client to send less.
 */
export function isRefusal(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** Where a retry may go. */
export type RetryPlace = 'nowhere' | 'another endpoint' | 'any endpoint';

/**
 * @param idempotent whether sending the request twice has the same effect as once
 * @param replayable whether the body, if any, can be sent from its beginning again
 * @returns `any endpoint` when the same one is worth a second try if there is no other: a broken
 *   connection may have been an idle one that the endpoint closed as the request went out
 *   (RFC 9112 §9.3.1)
 */
export function retryPlace(failure: Failure, idempotent: boolean, replayable: boolean): RetryPlace {
  if (!replayable) return 'nowhere';
  if (failure === 'unsent') return 'another endpoint';
  if (!idempotent) return 'nowhere';
  return failure === 'broken' ? 'any endpoint' : 'another endpoint';
}
