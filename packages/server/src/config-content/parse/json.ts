/**
 * Strict JSON (RFC 8259) with exact places of errors and without duplicate keys. `JSON.parse` takes the last of two keys, and its errors
 * quote the text; here a scan finds both faults, and `JSON.parse` makes the values of a text that passed.
 */

import { fail, type Parsed } from './parsed.ts';

/** Deeper contents are refused: recursion of readers is limited, too. */
export const depthMax = 200;

/** @param text O(length) */
export function parseJson(text: string): Parsed {
  return new Scan(text).run() ?? { ok: true, value: JSON.parse(text) as unknown };
}

class Scan {
  readonly #text: string;
  #at = 0;
  #failed: Parsed | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns undefined when the text is good */
  run(): Parsed | undefined {
    this.#space();
    if (this.#at === this.#text.length) return this.#refuse('the content is empty; JSON needs a value');
    if (!this.#value(0)) return this.#failed;
    this.#space();
    return this.#at < this.#text.length ? this.#refuse('there is more after the value') : undefined;
  }

  #refuse(message: string, at = this.#at, kind: 'syntax' | 'duplicate' = 'syntax'): Parsed {
    return (this.#failed = fail(this.#text, at, message, kind));
  }

  #wrong(message: string, at?: number): false {
    this.#refuse(message, at);
    return false;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #value(depth: number): boolean {
    if (depth > depthMax) return this.#wrong(`nested deeper than ${depthMax} levels`);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string() !== undefined;
      case undefined:
        return this.#wrong('the content ends where a value is expected');
      default:
        return this.#word();
    }
  }

  #object(depth: number): boolean {
    const keys = new Map<string, number>();
    this.#at += 1;
    this.#space();
    if (this.#take('}')) return true;
    for (;;) {
      const start = this.#at;
      if (this.#text[start] !== '"') return this.#wrong('a key in double quotes is expected');
      const key = this.#string();
      if (key === undefined) return false;
      const earlier = keys.get(key);
      if (earlier !== undefined) {
        const { line } = fail(this.#text, earlier, '').fault;
        this.#refuse(`key ${shown(key)} is on line ${line} already; remove one of the two`, start, 'duplicate');
        return false;
      }
      keys.set(key, start);
      this.#space();
      if (!this.#take(':')) return this.#wrong('a colon is expected after the key');
      this.#space();
      if (!this.#value(depth + 1)) return false;
      this.#space();
      if (this.#take('}')) return true;
      if (!this.#take(',')) return this.#wrong('a comma or } is expected');
      this.#space();
    }
  }

  #array(depth: number): boolean {
    this.#at += 1;
    this.#space();
    if (this.#take(']')) return true;
    for (;;) {
      if (!this.#value(depth + 1)) return false;
      this.#space();
      if (this.#take(']')) return true;
      if (!this.#take(',')) return this.#wrong('a comma or ] is expected');
      this.#space();
    }
  }

  /** @returns the text of the string; undefined when it is wrong */
  #string(): string | undefined {
    const start = this.#at;
    stringForm.lastIndex = start;
    const found = stringForm.exec(this.#text);
    if (found !== null) {
      this.#at = stringForm.lastIndex;
      return JSON.parse(found[0]) as string;
    }
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code < 0x20) return void this.#refuse('a string must not contain a line end or another control character; write \\n', at);
      if (code !== 0x5c) continue;
      escapeForm.lastIndex = at;
      if (!escapeForm.test(this.#text)) return void this.#refuse('a backslash in a string must be followed by one of "\\/bfnrt, or u and four hexadecimal digits', at);
      at = escapeForm.lastIndex - 1;
    }
    return void this.#refuse('a string has no end', start);
  }

  #word(): boolean {
    wordForm.lastIndex = this.#at;
    const word = wordForm.exec(this.#text)?.[0] ?? '';
    if (word === 'true' || word === 'false' || word === 'null' || numberForm.test(word)) {
      this.#at += word.length;
      return true;
    }
    return this.#wrong(/^[-+.\d]/.test(word) ? 'a number is not written as JSON writes it' : 'a value is expected: an object, an array, a string in double quotes, a number, true, false or null');
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }
}

// None of these has two ways to match the same text, so each takes time linear in it.
// oxlint-disable-next-line no-control-regex -- JSON forbids them in strings
const stringForm = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const escapeForm = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const wordForm = /[-+.\w]+/y;
const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}
