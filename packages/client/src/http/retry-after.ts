/** `Retry-After` of an answer (RFC 9110 §10.2.3): how long the server wants no requests. */

/** IMF-fixdate, the one form that senders may write (RFC 9110 §5.6.7). */
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * @param headers names and values in turns, as undici gives them
 * @param wallNow milliseconds since the Unix epoch, for dates
 * @returns milliseconds, 0 or more; undefined without the header, or when it is neither seconds nor a date
 */
export function retryAfterMs(headers: readonly Buffer[], wallNow: number): number | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as Buffer;
    if (name.length !== 'retry-after'.length || name.toString('latin1').toLowerCase() !== 'retry-after') continue;
    const value = String(headers[at + 1]).trim();
    if (/^\d+$/.test(value)) return Number(value) * 1000;
    return httpDate.test(value) ? Math.max(0, Date.parse(value) - wallNow) : undefined;
  }
  return undefined;
}
