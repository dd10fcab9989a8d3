/**
 * Strings as Go writes them (`strconv.Quote` and `strconv.Unquote`): Consul's languages are read with
 * these rules, and its messages quote values with them.
 */

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '"': 34,
};

/** Digits and base of the escapes that name a byte or a character. */
const numbered = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/;

/**
 * Undoes the escapes in the body of a double-quoted string.
 * @returns undefined when the body is not valid there: an unknown escape, a bare newline or quote
 */
export function unquote(body: string): string | undefined {
  if (/["\n]/.test(body.replaceAll(/\\[^]/g, ''))) return undefined;
  if (!body.includes('\\')) return body;
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  let at = 0;
  while (at < body.length) {
    const escape = body.indexOf('\\', at);
    bytes.push(...encoder.encode(body.slice(at, escape < 0 ? undefined : escape)));
    if (escape < 0) break;
    const simple = escapes[body[escape + 1] ?? ''];
    if (simple !== undefined) {
      bytes.push(simple);
      at = escape + 2;
      continue;
    }
    const match = numbered.exec(body.slice(escape + 1, escape + 10));
    const value = match === null ? undefined : bytesOf(match);
    if (match === null || value === undefined) return undefined;
    bytes.push(...value);
    at = escape + 1 + match[0].length;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** `\x` and octal escapes name a byte, `\u` and `\U` a character. */
function bytesOf([, byte, short, long, octal]: RegExpExecArray): Iterable<number> | undefined {
  if (byte !== undefined) return [parseInt(byte, 16)];
  if (octal !== undefined) {
    const value = parseInt(octal, 8);
    return value > 255 ? undefined : [value];
  }
  const point = parseInt(short ?? long ?? '', 16);
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
  return new TextEncoder().encode(String.fromCodePoint(point));
}

const written: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** A value for a message, as `%q` prints it. */
export function quote(text: string): string {
  const body = text.replaceAll(/["\\\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const point = char.codePointAt(0) ?? 0;
    if (written[char] !== undefined) return written[char];
    if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
    return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`;
  });
  return `"${body}"`;
}
