/** The body of an event, as it is sent. Pure. */

/** Bytes of a body. */
export const bodyBytesMax = 65_536;

/** @returns the text of the body, with at most `bodyBytesMax` bytes @param atMs when it happened, in milliseconds since the Unix epoch */
export function bodyOf(type: string, atMs: number, data: object): string {
  const timestamp = new Date(atMs).toISOString();
  const whole = JSON.stringify({ type, timestamp, data });
  return Buffer.byteLength(whole) <= bodyBytesMax ? whole : JSON.stringify({ type, timestamp, data: { isCut: true } });
}
