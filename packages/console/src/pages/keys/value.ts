/** The value of a key as an operator sees and types it: text, JSON or bytes. Pure. */

export type ValueForm = 'text' | 'json' | 'hex';

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @returns undefined for bytes that are no UTF-8 */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const binaryChunk = 8_192;

export function base64Of(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let at = 0; at < bytes.length; at += binaryChunk) binary += String.fromCharCode(...bytes.subarray(at, at + binaryChunk));
  return btoa(binary);
}

/** How a value is best shown: JSON if it is an object or a list, bytes if it is no text. */
export function formOf(text: string | undefined): ValueForm {
  if (text === undefined) return 'hex';
  return /^\s*[[{]/.test(text) && prettyJson(text) !== undefined ? 'json' : 'text';
}

/** @returns undefined unless the text is JSON */
export function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return undefined;
  }
}

const bytesPerLine = 16;
/** Bytes that are shown in hexadecimal. */
export const hexBytesMax = 4_096;

/** Offset, bytes and characters, a line for each 16 bytes, as `hexdump -C`. */
export function hexOf(bytes: Uint8Array): string {
  const lines: string[] = [];
  const shown = bytes.subarray(0, hexBytesMax);
  for (let at = 0; at < shown.length; at += bytesPerLine) {
    const line = [...shown.subarray(at, at + bytesPerLine)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * bytesPerLine)} ${text}`);
  }
  return lines.join('\n');
}

/** The folders above a key or folder, each with its prefix: `a/b/c` is in `a/` and `a/b/`. */
export function foldersOf(prefix: string): readonly { readonly name: string; readonly prefix: string }[] {
  const found: { name: string; prefix: string }[] = [];
  let from = 0;
  for (let at = prefix.indexOf('/'); at >= 0; at = prefix.indexOf('/', from)) {
    found.push({ name: prefix.slice(from, at + 1), prefix: prefix.slice(0, at + 1) });
    from = at + 1;
  }
  return found;
}
