/**
 * The rules for record keys. They are checked when a command writes: a name that no engine takes must fail its own command, and
 * not the whole batch.
 */

import { RegistryError } from '@rollcall/protocol';
import { markerKey } from './markers.ts';
import type { Kind } from './room.ts';
import type { AnyRow } from './row.ts';

/**
 * Longest record key in bytes of UTF-8, its namespace (64 more) not counted: names may be as long in every namespace.
 * A kind may have a longer one. Every engine takes 4,096, which leaves room for derived keys.
 */
export const keyBytesMax = 1_800;

const loneSurrogate = /\p{Surrogate}/u;

/** @throws RegistryError `invalid_argument` when the row's key, or that of its view's marker, is none */
export function checkKeys(kind: Kind, key: string, row: AnyRow): void {
  if (kind.keyIsDerived === true) return;
  const namespace = 'namespace' in row ? row.namespace : '';
  checkKey(key, namespace, kind.keyBytesMax);
  const view = kind.longestView?.(row);
  if (view !== undefined) checkKey(markerKey(view), namespace);
}

function checkKey(key: string, namespace: string, bytesMax = keyBytesMax): void {
  // Engines refuse it: in UTF-8 two such keys may be the same.
  if (loneSurrogate.test(key)) {
    throw new RegistryError('invalid_argument', `name or key ${JSON.stringify(key)} is not well-formed Unicode`);
  }
  if (key.length * 3 <= bytesMax) return;
  const bytes = Buffer.byteLength(key) - (namespace === '' ? 0 : Buffer.byteLength(namespace) + 1);
  if (bytes > bytesMax) {
    const message = `name or key is too long: its record key has ${bytes} bytes, the limit is ${bytesMax}`;
    throw new RegistryError('invalid_argument', message);
  }
}
