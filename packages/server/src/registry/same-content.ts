/** Equality of two rows' content, revisions aside. Rows are plain data, bytes and big integers. */

import type { Row } from './rows.ts';

export function sameContent(a: Row, b: Row): boolean {
  return sameFields(a as unknown as Fields, b as unknown as Fields, true);
}

type Fields = Readonly<Record<string, unknown>>;

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  return sameFields(a as Fields, b as Fields, false);
}

function sameFields(a: Fields, b: Fields, isRow: boolean): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) {
    if (isRow && (name === 'created' || name === 'modified')) continue;
    if (!Object.hasOwn(b, name) || !same(a[name], b[name])) return false;
  }
  return true;
}
