/**
 * The keys under a prefix, folder by folder, in slices and from one moment of the registry. A folder is skipped with one search, however many keys
 * it has, if the caller may read all keys; otherwise it is shown only if the caller may read one of them.
 */

import type { KeyCount, KeyEntry, KeyList, ListedKey } from '@rollcall/protocol';
import { Body } from '../../net/answers.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { findKv, kvPiecesUnder } from '../../registry/kind/kv/find.ts';
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
/** A piece of the keys under a prefix: a look-up for each key when the registry has changed meanwhile. */
const unitsPerPiece = 250;

/** Above every key of a folder: no text has this character. */
const last = '\uffff';

export function* keyList(frozen: Frozen, authorizer: Authorizer, { namespace, prefix, separator, after, limit }: KeyQuestion, pace: Pace): Work<Body> {
  const entries: KeyEntry[] = [];
  let next: string | undefined;
  /** Everything up to here is done; undefined at the end. */
  let done: string | undefined = after;
  while (done !== undefined) {
    const from: string = done;
    done = undefined;
    search: for (const keys of kvPiecesUnder(frozen, namespace, prefix, from)) {
      if (pace.spend(unitsPerPiece)) yield;
      for (let at = 0; at < keys.length; ) {
        const key = keys[at] as string;
        if (pace.spend(unitsPerLook)) yield;
        if (!authorizer.allows(namespace, 'key', 'read', key)) {
          at++;
          continue;
        }
        if (entries.length === limit) {
          next = nextAfter(entries.at(-1) as KeyEntry);
          break search;
        }
        if (pace.spend(unitsPerEntry)) yield;
        const cut = separator === '' ? -1 : key.indexOf(separator, prefix.length);
        if (cut < 0) {
          const row = findKv(frozen, namespace, key);
          if (row !== undefined) entries.push(entryOf(row, authorizer));
          at++;
          continue;
        }
        const folder = key.slice(0, cut + separator.length);
        entries.push({ folder });
        const end = folder + last;
        if ((keys.at(-1) as string) <= end) {
          // The folder goes on beyond this piece, perhaps for long: the search begins anew behind it.
          done = end;
          break search;
        }
        at = Math.max(at + 1, firstAbove(keys, end));
      }
    }
  }
  return bodyOf({ entries, ...(next === undefined ? {} : { next }) });
}

export function* keyCount(frozen: Frozen, authorizer: Authorizer, { namespace, prefix }: Pick<KeyQuestion, 'namespace' | 'prefix'>, pace: Pace): Work<Body> {
  const countsAll = authorizer.allowsKeyTree(namespace, prefix, 'read');
  let count = 0;
  for (const keys of kvPiecesUnder(frozen, namespace, prefix)) {
    if (pace.spend(unitsPerPiece)) yield;
    if (countsAll) {
      count += keys.length;
      continue;
    }
    for (const key of keys) {
      if (authorizer.allows(namespace, 'key', 'read', key)) count++;
      if (pace.spend(unitsPerLook)) yield;
    }
  }
  return bodyOf({ count });
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
