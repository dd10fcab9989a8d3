/** Cuts the output of probes to the length that is kept. */

/** Most bytes kept of an output; Consul's `DefaultBufSize`. */
export const outputBytesMax = 4_096;

/** The text, or its first `outputBytesMax` bytes of UTF-8 and a note about the rest. */
export function capOutput(text: string): string {
  // No character takes more than three bytes per unit.
  if (text.length * 3 <= outputBytesMax) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= outputBytesMax) return text;
  return `${start(bytes)} ... (captured ${outputBytesMax} of ${bytes.length} bytes)`;
}

/** A body, or its first `outputBytesMax` bytes, as text; bytes that are not UTF-8 become U+FFFD. */
export function bodyText(body: Buffer): string {
  return body.length <= outputBytesMax ? body.toString() : `${start(body)} ... (captured ${outputBytesMax} bytes)`;
}

function start(bytes: Buffer): string {
  // `stream` leaves out a character that the cut splits.
  return new TextDecoder().decode(bytes.subarray(0, outputBytesMax), { stream: true });
}
