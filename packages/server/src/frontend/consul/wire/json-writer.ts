/**
 * Writes JSON piece by piece, compact or indented for `?pretty`, into buffers of bounded size, and counts
 * the work. The bytes are those of `JSON.stringify`, except that keys that look like numbers keep
 * the order in which they are written.
 */

import type { MemoryShare } from '../../../net/answer-memory.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { type JsonValue, writeJson } from './json.ts';

/** Characters gathered before they become a buffer: enough for few writes, far less than a slice. */
const bufferChars = 65_536;
/** A longer piece of text is not joined with those before it. */
const longChars = 1_024;
/** Characters that take as long to write as a unit of work, and the fixed cost of a value. */
const charsPerUnit = 64;
const unitsPerValue = 1;
/** The cost of converting a row to its object, even if it is then left out. */
const unitsPerRow = 3;
/** Values of a list that are written in one step; few, since one may be large. */
const valuesPerStep = 16;

export class JsonWriter {
  readonly pace: Pace;
  readonly #pretty: boolean;
  readonly #share: MemoryShare;
  readonly #buffers: Buffer[] = [];
  readonly #ends: (']' | '}')[] = [];
  /** The text since the last buffer. Long pieces are kept apart, since joining strings would copy them. */
  #parts: string[] = [];
  #chars = 0;
  /** The text after the last of these parts. */
  #text = '';
  /** The next value is the first of its list or object. */
  #first = true;
  /** A key was written, and its value follows. */
  #keyed = false;
  /** `wanted`: the next list is joined to the one that is open; `open`: its values are being written. */
  #joined: 'no' | 'wanted' | 'open' = 'no';
  /** How many lists and objects were open around the joined list. */
  #joinedAt = 0;

  constructor(pretty: boolean, pace: Pace, share: MemoryShare) {
    this.#pretty = pretty;
    this.pace = pace;
    this.#share = share;
  }

  /** The values of the next list become values of the one that is open. */
  join(): void {
    this.#joined = 'wanted';
    this.#joinedAt = this.#ends.length;
  }

  /** Begins a list or an object, as a value. */
  open(bracket: '[' | '{'): void {
    if (this.#joined === 'wanted') {
      this.#joined = 'open';
      return;
    }
    this.#before();
    this.#text += bracket;
    this.#ends.push(bracket === '[' ? ']' : '}');
    this.#first = true;
  }

  /** The key of the next value. */
  key(name: string): void {
    this.#before();
    this.#text += this.#pretty ? `${JSON.stringify(name)}: ` : `${JSON.stringify(name)}:`;
    this.#keyed = true;
  }

  /** @returns whether the slice is used up */
  value(value: unknown): boolean {
    if (this.#pretty) return this.#put(indented(JSON.stringify(value, null, indent), this.#ends.length));
    return this.#put(JSON.stringify(value));
  }

  /** Writes several values. @returns whether the slice is used up */
  values(values: readonly unknown[]): boolean {
    if (this.#pretty || values.length === 0) {
      for (const value of values) this.value(value);
      return this.pace.spent;
    }
    // One call for all of them costs less than a call for each.
    return this.#put(JSON.stringify(values).slice(1, -1));
  }

  /** Writes a value that may contain bigints. @returns whether the slice is used up */
  exact(value: JsonValue): boolean {
    return this.#put(this.#pretty ? writeJson(value, indent, `\n${indent.repeat(this.#ends.length)}`) : writeJson(value));
  }

  /** Ends the innermost list or object. */
  close(): void {
    if (this.#joined === 'open' && this.#ends.length === this.#joinedAt) {
      this.#joined = 'no';
      return;
    }
    const end = this.#ends.pop();
    if (this.#pretty && !this.#first) this.#text += `\n${indent.repeat(this.#ends.length)}`;
    this.#text += end;
    this.#first = false;
  }

  /** @returns all buffers */
  finish(): readonly Buffer[] {
    if (this.#pretty) this.#text += '\n';
    this.#flush();
    return this.#buffers;
  }

  #put(text: string): boolean {
    this.#before();
    if (text.length < longChars) this.#text += text;
    else {
      this.#parts.push(this.#text, text);
      this.#text = '';
    }
    this.#chars += text.length;
    if (this.#chars >= bufferChars) this.#flush();
    return this.pace.spend(unitsPerValue + text.length / charsPerUnit);
  }

  #before(): void {
    if (this.#keyed) {
      this.#keyed = false;
      return;
    }
    if (!this.#first) this.#text += ',';
    if (this.#pretty && this.#ends.length > 0) this.#text += `\n${indent.repeat(this.#ends.length)}`;
    this.#first = false;
  }

  #flush(): void {
    const parts = [...this.#parts, this.#text];
    let bytes = 0;
    for (const part of parts) bytes += Buffer.byteLength(part);
    const buffer = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const part of parts) at += buffer.write(part, at);
    this.#parts = [];
    this.#chars = 0;
    this.#text = '';
    this.#share.take(bytes);
    this.#buffers.push(buffer);
  }
}

const indent = '    ';

/** Indents text. Line breaks in JSON text are never part of a string, where they are escaped. */
function indented(text: string, depth: number): string {
  return depth === 0 ? text : text.replaceAll('\n', `\n${indent.repeat(depth)}`);
}

/** Writes the values of rows as a list. @param json undefined for a row that is left out */
export function* writeList<T>(out: JsonWriter, rows: Iterable<T>, json: (row: T) => object | undefined): Work<void> {
  let some: object[] = [];
  out.open('[');
  for (const row of rows) {
    const value = json(row);
    if (value !== undefined) some.push(value);
    if (!out.pace.spend(unitsPerRow) && some.length < valuesPerStep) continue;
    const spent = out.values(some);
    some = [];
    if (spent) yield;
  }
  out.values(some);
  out.close();
}

/** Writes values as an object. @param entry key and value of a row; undefined when it is left out */
export function* writeObject<T>(
  out: JsonWriter,
  rows: Iterable<T>,
  entry: (row: T) => readonly [key: string, value: object] | undefined,
): Work<void> {
  out.open('{');
  for (const row of rows) {
    const found = entry(row);
    if (found !== undefined) {
      out.key(found[0]);
      out.value(found[1]);
    }
    if (out.pace.spend(unitsPerRow)) yield;
  }
  out.close();
}
