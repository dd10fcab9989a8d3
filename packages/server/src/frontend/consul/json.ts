/**
 * JSON as Consul's API needs it and `JSON.parse` cannot do it: unsigned 64-bit numbers stay exact (as
 * bigints), a repeated key wins over the one before it, `__proto__` is a key like any other (objects
 * have no prototype), depth is bounded, and errors speak the words of Go's `encoding/json`, which
 * operators of Consul know.
 */

import { RegistryError } from '@rollcall/protocol';
import { invalid } from './errors.ts';

export type JsonObject = { [key: string]: JsonValue };
/** A `bigint` is an integer that a number cannot hold exactly. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** Far beyond any real body (6), far below what recursion can take. */
const depthMax = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws RegistryError `invalid_argument` with Go's reason */
export function readJson(bytes: Uint8Array): JsonValue {
  if (bytes.length === 0) throw invalid('EOF');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalid('invalid UTF-8 in request body');
  }
  return new Reader(text).document();
}


const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  readonly #text: string;
  readonly #numberForm = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
  readonly #plainText = /[ !#-[\]-\u{10ffff}]*/uy;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    this.#space();
    if (this.#at === this.#text.length) throw invalid('EOF');
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > depthMax) throw invalid(`exceeded max depth: JSON may nest ${depthMax} levels`);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const object = Object.create(null) as JsonObject;
    this.#at++;
    this.#space();
    if (this.#take('}')) return object;
    for (;;) {
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (!this.#take(':')) throw this.#unexpected('after object key');
      this.#space();
      const value = this.#value(depth + 1);
      // Deleted first, so that the order of keys is the order in which the last ones came.
      if (key in object) delete object[key];
      object[key] = value;
      this.#space();
      if (this.#take('}')) return object;
      if (!this.#take(',')) throw this.#unexpected('after object key:value pair');
      this.#space();
    }
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      this.#space();
      if (this.#take(']')) return array;
      if (!this.#take(',')) throw this.#unexpected('after array element');
      this.#space();
    }
  }

  #string(): string {
    this.#at++;
    let value = '';
    for (;;) {
      this.#plainText.lastIndex = this.#at;
      const plain = this.#plainText.exec(this.#text)?.[0] ?? '';
      this.#at += plain.length;
      value = value === '' ? plain : value + plain;
      if (this.#take('"')) return value;
      if (!this.#take('\\')) throw this.#unexpected('in string literal');
      value += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at];
    if (letter === 'u') return this.#unicode();
    const plain = letter === undefined || !Object.hasOwn(escapes, letter) ? undefined : escapes[letter];
    if (plain === undefined) throw this.#unexpected('in string escape code');
    this.#at++;
    return plain;
  }

  /** Half of a surrogate pair becomes U+FFFD, as in Go: it has no place in UTF-8. */
  #unicode(): string {
    const first = this.#hex();
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first);
    if (first < 0xdc00 && this.#text.startsWith('\\u', this.#at)) {
      const before = this.#at;
      this.#at++;
      const second = this.#hex();
      if (second >= 0xdc00 && second <= 0xdfff) return String.fromCharCode(first, second);
      this.#at = before;
    }
    return '\ufffd';
  }

  #hex(): number {
    const digits = this.#text.slice(this.#at + 1, this.#at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#unexpected('in \\u hexadecimal character escape');
    this.#at += 5;
    return Number.parseInt(digits, 16);
  }

  #literal<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected(`in literal ${word}`);
    this.#at += word.length;
    return value;
  }

  #number(): number | bigint {
    this.#numberForm.lastIndex = this.#at;
    const found = this.#numberForm.exec(this.#text);
    if (found === null) throw this.#unexpected('looking for beginning of value');
    const [digits, fraction, exponent] = found;
    this.#at += digits.length;
    const value = Number(digits);
    const whole = fraction === undefined && exponent === undefined;
    if (!Number.isFinite(value)) throw invalid(`number ${digits.slice(0, 40)} is out of range`);
    return whole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(where: string): RegistryError {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined) return invalid('unexpected EOF');
    const shown = point < 0x20 ? `\\x${point.toString(16).padStart(2, '0')}` : String.fromCodePoint(point);
    return invalid(`invalid character '${shown}' ${where}`);
  }
}

/** JSON text in which bigints are numbers; for values that may hold them (`JSON.stringify` throws). */
export function writeJson(value: JsonValue, indent = '', newline = ''): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = newline === '' ? '' : newline + indent;
  const list = Array.isArray(value);
  const colon = newline === '' ? ':' : ': ';
  const parts = list
    ? value.map((item) => writeJson(item, indent, inner))
    : Object.entries(value).map(
        ([key, item]) => JSON.stringify(key) + colon + writeJson(item, indent, inner),
      );
  if (parts.length === 0) return list ? '[]' : '{}';
  const body = inner + parts.join(`,${inner}`) + newline;
  return list ? `[${body}]` : `{${body}}`;
}
