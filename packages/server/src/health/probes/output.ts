/** Cutting what others say to a bearable length. */

/** Most bytes kept of an output; Consul's `DefaultBufSize`. */
export const outputBytesMax = 4_096;

/** The text, or its first `outputBytesMax` bytes of UTF-8 and a word about the rest. */
export function capOutput(text: string): string {
  // No character takes more than three bytes per unit.
  if (text.length * 3 <= outputBytesMax) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= outputBytesMax) return text;
  return `${start(bytes)} ... (captured ${outputBytesMax} of ${bytes.length} bytes)`;
}

/** A body, or its first `outputBytesMax` bytes, as text; what is no UTF-8 becomes U+FFFD. */
export function bodyText(body: Buffer): string {
  return body.length <= outputBytesMax ? body.toString() : `${start(body)} ... (captured ${outputBytesMax} bytes)`;
}

function start(bytes: Buffer): string {
  // `stream` leaves out a character that the cut has split.
  return new TextDecoder().decode(bytes.subarray(0, outputBytesMax), { stream: true });
}

/** A URL as it may be shown: without the name and password that it may have. */
export function shownUrl(text: string): string {
  if (!text.includes('@')) return text;
  if (!URL.canParse(text)) return text.replace(/[^/]*@/, '');
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}
