/**
 * Checks values from the wire, field by field. A malformed value throws `Malformed`,
 * which never leaves the package: `checked` turns it into a returned message. Nothing here copies
 * an object's unknown fields or recurses into them, so depth and `__proto__` have no effect.
 */

export class Malformed extends Error {}

/** Runs a check and returns its error instead of throwing. */
export function attempt<T>(check: () => T): { ok: true; value: T } | { ok: false; message: string } {
  try {
    return { ok: true, value: check() };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, message: error.message };
    throw error;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Malformed(`${what} is ${nameOf(value)}, it must be an object`);
  }
  return value as Fields;
}

/** An own field: inherited fields were not on the wire. */
export function field(of: Fields, name: string): unknown {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

export function list<T>(
  value: unknown,
  what: string,
  max: number,
  item: (value: unknown, what: string) => T,
): T[] {
  if (!Array.isArray(value)) throw new Malformed(`${what} is ${nameOf(value)}, it must be an array`);
  if (value.length > max) throw new Malformed(`${what} has ${value.length} entries, the limit is ${max}`);
  return value.map((entry, index) => item(entry, `${what}[${index}]`));
}

/** Control characters, and surrogates without their other half. */
const unprintable = /[\p{Cc}\p{Cs}]/u;
const halfCharacter = /\p{Cs}/u;

/** A name: 1 to `max` UTF-16 code units, no control characters, no space at either end. */
export function name(value: unknown, what: string, max: number): string {
  const text = string(value, what, max);
  if (text === '') throw new Malformed(`${what} is empty`);
  if (unprintable.test(text) || text.trim() !== text) {
    throw new Malformed(`${what} ${shown(text)} has a control character, half a character, or a space at an end`);
  }
  return text;
}

/** Any text of at most `max` UTF-16 code units that UTF-8 can express. */
export function string(value: unknown, what: string, max: number): string {
  if (typeof value !== 'string') throw new Malformed(`${what} is ${nameOf(value)}, it must be a string`);
  if (value.length > max) throw new Malformed(`${what} has ${value.length} characters, the limit is ${max}`);
  if (halfCharacter.test(value)) throw new Malformed(`${what} ${shown(value)} has half a character`);
  return value;
}

export function matching(value: unknown, what: string, max: number, form: RegExp, rule: string): string {
  const text = string(value, what, max);
  if (!form.test(text)) throw new Malformed(`${what} ${shown(text)} is not valid: use ${rule}`);
  return text;
}

export function integer(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new Malformed(`${what} is ${nameOf(value)}, it must be an integer`);
  }
  if (value < min || value > max) throw new Malformed(`${what} is ${value}, it must be from ${min} to ${max}`);
  return value;
}

/** A finite number, also a fraction. */
export function number(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Malformed(`${what} is ${nameOf(value)}, it must be a number`);
  if (value < min || value > max) throw new Malformed(`${what} is ${value}, it must be from ${min} to ${max}`);
  return value;
}

export function boolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new Malformed(`${what} is ${nameOf(value)}, it must be true or false`);
  return value;
}

export function oneOf<const T extends string>(value: unknown, what: string, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found === undefined) {
    const given = typeof value === 'string' ? shown(value) : nameOf(value);
    throw new Malformed(`${what} is ${given}, it must be one of ${words.join(', ')}`);
  }
  return found;
}

/** Text values under free keys; `__proto__` is refused, since an ordinary object loses it. */
export function texts(
  value: unknown,
  what: string,
  limits: { entries: number; key: number; value: number },
): Record<string, string> {
  const entries = Object.entries(fields(value, what));
  if (entries.length > limits.entries) {
    throw new Malformed(`${what} has ${entries.length} entries, the limit is ${limits.entries}`);
  }
  const copy: Record<string, string> = {};
  for (const [key, text] of entries) {
    if (key === '__proto__') throw new Malformed(`${what} may not have the key __proto__`);
    copy[name(key, `a key of ${what}`, limits.key)] = string(text, `${what}.${key}`, limits.value);
  }
  return copy;
}

/** `undefined` and `null` both mean absent. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

/** An object without its undefined fields, as `exactOptionalPropertyTypes` requires. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) copy[key] = item;
  return copy as T;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Part of a value, safe to print: no control characters and not long. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
