/**
 * Java properties: `key = value` lines as `java.util.Properties.load` reads them, with one difference: a key that stands twice is
 * refused, since a reader would take the last and an editor may have meant the first. Text is Unicode; `\uXXXX` is read, and
 * never written, as all of Rollcall is UTF-8. It interprets no placeholders.
 *
 * Source: the documentation of `java.util.Properties.load(Reader)`.
 */

export type ParsedProperties =
  | { readonly ok: true; readonly entries: Map<string, string> }
  /** `line` counts from 1, and is where the entry begins. */
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * @param text O(length); a byte order mark at its start is skipped
 * @returns entries in the order of the text, in a map, so that a key like `__proto__` is a key like any other
 */
export function parseProperties(text: string): ParsedProperties {
  const entries = new Map<string, string>();
  for (const { line, content } of logicalLines(text)) {
    const entry = entryOf(content);
    if (typeof entry === 'string') return { ok: false, line, message: entry };
    const [key, value] = entry;
    if (entries.has(key)) {
      return { ok: false, line, message: `key ${JSON.stringify(key)} is on line ${lineOf(key, text)} already; remove one of the two` };
    }
    entries.set(key, value);
  }
  return { ok: true, entries };
}

/** The first line with a key that the text has; lines are not kept, since few texts have a key twice. */
function lineOf(key: string, text: string): number | undefined {
  return logicalLines(text).find(({ content }) => entryOf(content)[0] === key)?.line;
}

/** @returns a text that `parseProperties` and Java read as the same entries, a line for each */
export function printProperties(entries: Iterable<readonly [key: string, value: string]>): string {
  let text = '';
  for (const [key, value] of entries) text += `${printedKey(key)}=${printedValue(value)}\n`;
  return text;
}

interface LogicalLine {
  /** Number of its first line. */
  readonly line: number;
  /** Without white space at its start; continued lines are joined. */
  readonly content: string;
}

/** Lines with content: no comments, no blank ones. A line that ends in an odd number of backslashes goes on in the next. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let begun: { line: number; content: string } | undefined;
  let number = 0;
  for (const natural of (text.startsWith('\ufeff') ? text.slice(1) : text).split(/\r\n|\r|\n/)) {
    number += 1;
    const content = natural.slice(afterSpace(natural, 0));
    if (begun === undefined && (content === '' || content.startsWith('#') || content.startsWith('!'))) continue;
    begun ??= { line: number, content: '' };
    if (backslashesAtEnd(content) % 2 === 1) {
      begun.content += content.slice(0, -1);
      continue;
    }
    begun.content += content;
    lines.push(begun);
    begun = undefined;
  }
  if (begun !== undefined) lines.push(begun);
  return lines;
}

function backslashesAtEnd(text: string): number {
  let count = 0;
  while (count < text.length && text[text.length - 1 - count] === '\\') count += 1;
  return count;
}

/** @returns the entry, or what is wrong with it */
function entryOf(content: string): readonly [key: string, value: string] | string {
  const end = keyEnd(content);
  let from = afterSpace(content, end);
  const sign = content.charCodeAt(from);
  if (sign === equals || sign === colon) from = afterSpace(content, from + 1);
  const key = unescaped(content.slice(0, end));
  const value = unescaped(content.slice(from));
  if (key === undefined || value === undefined) return 'a \\u must be followed by four hexadecimal digits';
  return [key, value];
}

// Clients read each release in full: comparing codes takes a fifth of the time of regular expressions.
const [tab, formFeed, space, equals, colon, backslash] = [0x09, 0x0c, 0x20, 0x3d, 0x3a, 0x5c];

function isSpace(code: number): boolean {
  return code === space || code === tab || code === formFeed;
}

/** Where the white space at `from` ends. */
function afterSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Where the key ends: before the first sign or white space without a backslash. */
function keyEnd(content: string): number {
  let at = 0;
  while (at < content.length) {
    const code = content.charCodeAt(at);
    if (code === equals || code === colon || isSpace(code)) return at;
    at += code === backslash ? 2 : 1;
  }
  return at;
}

/** @returns undefined when a `\u` has no four digits */
function unescaped(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char !== '\\') {
      result += char;
      continue;
    }
    at += 1;
    const escaped = text[at];
    if (escaped === undefined) break;
    if (escaped !== 'u') {
      result += controls.get(escaped) ?? escaped;
      continue;
    }
    const digits = text.slice(at + 1, at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
    result += String.fromCharCode(Number.parseInt(digits, 16));
    at += 4;
  }
  return result;
}

const controls: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
]);

function printedKey(key: string): string {
  return escapeControls(key).replace(/[ =:]/g, '\\$&').replace(/^[#!]/, '\\$&');
}

function printedValue(value: string): string {
  return escapeControls(value).replace(/^ /, '\\ ');
}

function escapeControls(text: string): string {
  return text.replace(/[\\\t\n\r\f]/g, (char) => escapes.get(char) ?? char);
}

const escapes: ReadonlyMap<string, string> = new Map([['\\', '\\\\'], ...[...controls].map(([name, char]) => [char, `\\${name}`] as const)]);
