/** Equality of two rows' content, revisions aside. Rows are plain data, bytes and big integers; an undefined field is absent. */

import type { AnyRow } from './row.ts';

type Fields = Readonly<Record<string, unknown>>;

/** @param aside a field that may differ */
export function sameContent(before: AnyRow, after: AnyRow, aside = ''): boolean {
  const a = before as unknown as Fields;
  const b = after as unknown as Fields;
  // Most fields are equal strings of both rows, and found equal here: this runs for every write.
  let more = 0;
  for (const name in a) {
    if (name === 'created' || name === 'modified' || name === aside) continue;
    const value = a[name];
    if (value === undefined) continue;
    if (value !== b[name] && !sameOwn(value, b, name)) return false;
    more++;
  }
  for (const name in b) {
    if (name !== 'created' && name !== 'modified' && name !== aside && b[name] !== undefined) more--;
  }
  return more === 0;
}

/** Whether a field of `b` is the same, and its own: names come from clients, and may be those of a prototype's fields. */
function sameOwn(value: unknown, b: Fields, name: string): boolean {
  return Object.hasOwn(b, name) && same(value, b[name]);
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, at) => same(each, b[at]));
  }
  return sameFields(a as Fields, b as Fields);
}

function sameFields(a: Fields, b: Fields): boolean {
  let more = 0;
  for (const name in a) {
    if (!sameOwn(a[name], b, name)) return false;
    more++;
  }
  for (const _ in b) more--;
  return more === 0;
}
