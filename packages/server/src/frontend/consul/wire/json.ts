/**
 * JSON features that Consul's API needs and `JSON.parse` lacks: unsigned 64-bit numbers stay exact (as
 * bigints), the last of repeated keys wins, `__proto__` is an ordinary key (objects
 * inherit nothing), depth and number of values are limited, and errors have the texts of Go's
 * `encoding/json`, which operators of Consul know.
 */

import { toUSVString } from 'node:util';
import { RegistryError } from '@rollcall/protocol';
import { BareObject } from '../../../net/bare-object.ts';
import { invalid } from './errors.ts';

export type JsonObject = { [key: string]: JsonValue };
/** A `bigint` is an integer that a number cannot hold exactly. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** Far more than any real body needs (6), far less than the stack allows. */
const depthMax = 64;

/**
 * Most values of objects and lists together. The largest bodies are transactions: 128 operations on services with 60 tags and
 * 60 pairs of metadata each come close. Reading this many takes some 20 ms, and decoding half as long.
 */
const valuesMax = 16_384;

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

/** The characters that may follow a backslash. */
const escapes = '"\\/bfnrtu';

/** Sticky: `lastIndex` says where it looks. */
const numberForm = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

class Reader {
  readonly #text: string;
  #at = 0;
  #values = 0;

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
    if (++this.#values > valuesMax) throw invalid(`the request body has more than ${valuesMax} values, which is the limit`);
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
    const object = new BareObject() as JsonObject;
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
      // Deleted first, so that the order of the keys is that of the last occurrences.
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
    const start = ++this.#at;
    this.#skipPlain();
    if (this.#text[this.#at] === '"') return this.#text.slice(start, this.#at++);
    const end = this.#text[this.#at] === '\\' ? closingQuote(this.#text, this.#at) : -1;
    try {
      const value = JSON.parse(this.#text.slice(start - 1, end + 1)) as string;
      this.#at = end + 1;
      // Half of a surrogate pair becomes U+FFFD, as in Go: it has no place in UTF-8.
      return toUSVString(value);
    } catch {
      throw this.#brokenString();
    }
  }

  /** The end of the characters that need no decoding. */
  #skipPlain(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= 0x20) || code === 0x22 || code === 0x5c) return;
      this.#at++;
    }
  }

  /** The error of a broken string, from this position on. */
  #brokenString(): RegistryError {
    for (;;) {
      this.#skipPlain();
      if (!this.#take('\\')) return this.#unexpected('in string literal');
      const letter = this.#text[this.#at];
      if (letter === undefined || !escapes.includes(letter)) return this.#unexpected('in string escape code');
      this.#at++;
      if (letter !== 'u') continue;
      for (let digit = 0; digit < 4; digit++, this.#at++) {
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) return this.#unexpected('in \\u hexadecimal character escape');
      }
    }
  }

  #literal<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected(`in literal ${word}`);
    this.#at += word.length;
    return value;
  }

  #number(): number | bigint {
    numberForm.lastIndex = this.#at;
    const found = numberForm.exec(this.#text);
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

/** The position of the closing quote of a string with a backslash at `from`; -1 if it has none. */
function closingQuote(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\' && end - 1 - slashes >= from) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return -1;
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
