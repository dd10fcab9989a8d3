/**
 * The keys under a prefix, folder by folder, in slices and from one moment of the registry. A folder is skipped with one search, however many keys
 * it has, if the caller may read all keys; otherwise it is shown only if the caller may read one of them.
 */

import type { KeyCount, KeyEntry, KeyList, ListedKey } from '@rollcall/protocol';
import { Body } from '../../net/answers.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { findKv, kvKeysUnder } from '../../registry/kind/kv/find.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { beginningMax } from './routes.ts';

export interface KeyQuestion {
  readonly namespace: string;
  readonly prefix: string;
  /** Empty: no folders. */
  readonly separator: string;
  readonly after: string;
  readonly limit: number;
}

/** Microseconds, about: a look at the rights, and an entry as JSON. */
const unitsPerLook = 0.5;
const unitsPerEntry = 3;
/** Keys that are copied in a microsecond. */
const copiesPerUnit = 64;

/** Above every key of a folder: no text has this character. */
const last = '\uffff';

export function* keyList(frozen: Frozen, authorizer: Authorizer, { namespace, prefix, separator, after, limit }: KeyQuestion, pace: Pace): Work<Body> {
  const keys = yield* keysOf(frozen, namespace, prefix, pace);
  const entries: KeyEntry[] = [];
  let next: string | undefined;
  let at = after === '' ? 0 : firstAbove(keys, after);
  while (at < keys.length) {
    const key = keys[at] as string;
    if (pace.spend(unitsPerLook)) yield;
    if (!authorizer.allows(namespace, 'key', 'read', key)) {
      at++;
      continue;
    }
    if (entries.length === limit) {
      next = nextAfter(entries.at(-1) as KeyEntry);
      break;
    }
    const cut = separator === '' ? -1 : key.indexOf(separator, prefix.length);
    if (cut < 0) {
      const row = findKv(frozen, namespace, key);
      if (row !== undefined) entries.push(entryOf(row, authorizer));
      at++;
    } else {
      const folder = key.slice(0, cut + separator.length);
      entries.push({ folder });
      at = Math.max(at + 1, firstAbove(keys, folder + last));
    }
    if (pace.spend(unitsPerEntry)) yield;
  }
  return bodyOf({ entries, ...(next === undefined ? {} : { next }) });
}

export function* keyCount(frozen: Frozen, authorizer: Authorizer, { namespace, prefix }: Pick<KeyQuestion, 'namespace' | 'prefix'>, pace: Pace): Work<Body> {
  const keys = yield* keysOf(frozen, namespace, prefix, pace);
  if (authorizer.allowsKeyTree(namespace, prefix, 'read')) return bodyOf({ count: keys.length });
  let count = 0;
  for (const key of keys) {
    if (authorizer.allows(namespace, 'key', 'read', key)) count++;
    if (pace.spend(unitsPerLook)) yield;
  }
  return bodyOf({ count });
}

/** Of one moment, in order. */
function* keysOf(frozen: Frozen, namespace: string, prefix: string, pace: Pace): Work<readonly string[]> {
  const keys = kvKeysUnder(frozen, namespace, prefix);
  if (Array.isArray(keys)) {
    if (pace.spend(keys.length / copiesPerUnit)) yield;
    return keys as readonly string[];
  }
  const found: string[] = [];
  for (const key of keys) {
    found.push(key);
    if (pace.spend(unitsPerLook)) yield;
  }
  return found;
}

function nextAfter(entry: KeyEntry): string {
  return 'folder' in entry ? entry.folder + last : entry.key;
}

function entryOf({ namespace, key, value, flags, modified, session }: KvRow, authorizer: Authorizer): ListedKey {
  const beginning = beginningOf(value);
  return {
    key,
    bytes: value.length,
    flags: flags.toString(),
    revision: modified,
    ...(session === undefined ? {} : { session }),
    ...(beginning === undefined ? {} : { beginning }),
    can: authorizer.allows(namespace, 'key', 'write', key) ? ['read', 'write'] : ['read'],
  };
}

/** @returns undefined unless it is text */
function beginningOf(value: Uint8Array): string | undefined {
  // A character has four bytes at most, and the last one may be cut.
  const text = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, 4 * beginningMax)).toString().replace(/\ufffd$/, '');
  return /\ufffd|[^\P{Cc}\t\n\r]/u.test(text) ? undefined : text.slice(0, beginningMax);
}

function firstAbove(keys: readonly string[], after: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bodyOf(value: KeyList | KeyCount): Body {
  return new Body([Buffer.from(`${JSON.stringify(value)}\n`)]);
}
