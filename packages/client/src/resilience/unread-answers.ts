/**
 * The message for requests that are in flight only because the program has not read their answers: an answer
 * that is not read to its end keeps its connection, and its place among the requests in flight.
 */

/** @param answering answers that have begun and not ended */
export function unreadAnswers(answering: number): string | undefined {
  if (answering === 0) return undefined;
  return (
    `the answers to ${answering} of them have come and were not read to their end: read every body ` +
    '(response.text()) or give it up (response.body.cancel())'
  );
}
