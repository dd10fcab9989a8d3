/**
 * What a record key may be. Checked as a command writes: one name that no engine takes must fail its
 * own command, and not the batch that it would be committed with.
 */

import { RegistryError } from '@rollcall/protocol';
import { keys, type Row } from './rows.ts';
import { viewOf } from './view-name.ts';

/**
 * Longest record key in bytes of UTF-8, its namespace (64 more) not counted: names may be as long in every namespace.
 * Every engine takes 1,900, which leaves room for derived keys.
 */
export const keyBytesMax = 1_800;

const loneSurrogate = /\p{Surrogate}/u;

/** @throws RegistryError `invalid_argument` when the row's key, or that of its view's marker, is none */
export function checkKeys(key: string, row: Row): void {
  // Derived from a key that was checked, and a few bytes longer.
  if (row.kind === 'tombstone' || row.kind === 'delay') return;
  const namespace = 'namespace' in row ? row.namespace : '';
  checkKey(key, namespace);
  if (row.kind === 'instance') checkKey(keys.view(viewOf.service(namespace, row.service)), namespace);
}

function checkKey(key: string, namespace: string): void {
  // Engines refuse it: in UTF-8 two such keys may be the same.
  if (loneSurrogate.test(key)) {
    throw new RegistryError('invalid_argument', `name or key ${JSON.stringify(key)} is not well-formed Unicode`);
  }
  if (key.length * 3 <= keyBytesMax) return;
  const bytes = Buffer.byteLength(key) - (namespace === '' ? 0 : Buffer.byteLength(namespace) + 1);
  if (bytes > keyBytesMax) {
    const message = `name or key is too long: its record key has ${bytes} bytes, the limit is ${keyBytesMax}`;
    throw new RegistryError('invalid_argument', message);
  }
}
