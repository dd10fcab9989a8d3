/**
 * Rows to the bytes of a record and back.
 *
 *   format version of the kind, flags (one byte each), then the row as one line of JSON
 *   a row with a raw part (a KV value): the same, a newline, and the bytes, so that half a megabyte is never escaped
 *
 * `modified` is stored as 0 and read as the record's own revision; so is a `created` of 0, which the transaction that
 * creates the row writes. What an older Rollcall wrote is converted before it comes here (`migration/`). What a newer one
 * wrote is kept as it is, or refused, as its flags say.
 */

import { RegistryError } from '@rollcall/protocol';
import type { KindTable } from './kind-table.ts';
import type { Kind } from './room.ts';
import type { UnreadRow } from './markers.ts';
import { isOf, kindOf, type AnyRow } from './row.ts';

const newline = 0x0a;

/** No kind gets a format above this: text, such as that of format 1, must never be taken for a newer format. */
const formatMax = 31;

/** Bytes before the JSON. */
const headBytes = 2;

/** Flag: a program that does not know the kind or its format may keep the record without reading it. */
const mayStayUnread = 1;

/** Rows carry many equal strings (service, node, status); sharing them saves a third of memory. */
export type Intern = (text: string) => string;

export function interner(): Intern {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    // A flood of distinct names must not stay in memory after they are gone.
    if (known.size >= 100_000) known.clear();
    known.set(text, text);
    return text;
  };
}

export function encodeWith(kinds: KindTable, row: AnyRow): Uint8Array {
  if (isOf<UnreadRow>(row, 'unread')) return row.bytes;
  const kind = kinds.of(row);
  const head = headOf(kind);
  if (kind.raw !== undefined) {
    const { json, bytes } = kind.raw.split(row);
    return Buffer.concat([Buffer.from(`${head}${JSON.stringify(json)}\n`), bytes]);
  }
  return Buffer.from(head + JSON.stringify(row.modified === 0 ? row : { ...row, modified: 0 }));
}

/** Format and flags as text: characters below 128 are one byte each in UTF-8. */
function headOf({ format, mayStayUnread: unread }: Kind): string {
  return unread === true ? unreadHeads[format] ?? '' : heads[format] ?? '';
}

const heads = Array.from({ length: formatMax + 1 }, (_, format) => String.fromCharCode(format, 0));
const unreadHeads = Array.from({ length: formatMax + 1 }, (_, format) => String.fromCharCode(format, mayStayUnread));

interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/**
 * @throws RegistryError `data_loss` when the bytes are not a row of the kind that the key says; `failed_precondition`
 *   when only a newer Rollcall reads them
 */
export function decodeWith<R extends AnyRow>(kinds: KindTable<R>, record: StoredRecord, intern: Intern): R {
  const { key, value, revision } = record;
  const name = kindOf(key);
  const kind = kinds.get(name);
  const format = value[0];
  if (format !== undefined && (format === 0 || format !== kind?.format)) {
    // Every table has the kind of unread rows (`markers.ts`).
    return unread(record, { name, format, known: kind?.format }) as AnyRow as R;
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    const raw = kind?.raw;
    const end = raw === undefined ? bytes.length : bytes.indexOf(newline);
    // Filled in place: a copy of each row would double the time of a restart.
    const row = JSON.parse(bytes.toString('utf8', headBytes, end)) as Mutable;
    if (row.kind !== name) throw new TypeError(`it is a ${String(row.kind)}`);
    if (raw === undefined) shareStrings(row, intern);
    else raw.join(row, Uint8Array.prototype.slice.call(bytes, end + 1));
    row.created = row.created === 0 ? revision : row.created;
    row.modified = revision;
    return row as unknown as R;
  } catch (cause) {
    throw new RegistryError('data_loss', `record ${JSON.stringify(key)} cannot be read`, { cause });
  }
}

interface Foreigner {
  /** Of its kind. */
  readonly name: string;
  readonly format: number;
  /** Format in which this program reads the kind; undefined when it does not know it. */
  readonly known: number | undefined;
}

/** @throws RegistryError `failed_precondition` unless the record's flags allow it to be kept unread */
function unread({ key, value, revision }: StoredRecord, { name, format, known }: Foreigner): UnreadRow {
  const shown = JSON.stringify(key.slice(0, 200));
  if (value.length < headBytes || format === 0 || format > formatMax || (known !== undefined && format < known)) {
    throw new RegistryError('data_loss', `record ${shown} cannot be read: it does not begin with a format that this Rollcall reads`);
  }
  if (((value[1] as number) & mayStayUnread) === 0) {
    const reads = known === undefined ? 'knows no such kind' : `reads format ${known} of it`;
    const message = `record ${shown} is of kind ${JSON.stringify(name)} in format ${format}; this Rollcall ${reads}: use a newer one`;
    throw new RegistryError('failed_precondition', message);
  }
  const bytes = Uint8Array.prototype.slice.call(value);
  return { kind: 'unread', key, bytes, created: revision, modified: revision };
}

/**
 * What decoding would give for the bytes of a row that was encoded here, for a fraction of the
 * time. A row with a raw part is decoded all the same: that may be a slice of a request's much larger buffer.
 */
export function committedRow<R extends AnyRow>(row: R, revision: number, intern: Intern): R {
  const copy = { ...row, created: row.created === 0 ? revision : row.created, modified: revision };
  shareStrings(copy as AnyRow as unknown as Record<string, unknown>, intern);
  return copy;
}

interface Mutable {
  [field: string]: unknown;
  kind: unknown;
  created: unknown;
  modified: unknown;
}

const shared = ['kind', 'namespace', 'service', 'node', 'address', 'name', 'status', 'type', 'output', 'notes', 'instance'];

function shareStrings(row: Record<string, unknown>, intern: Intern): void {
  for (const field of shared) {
    const text = row[field];
    // There is only one empty string.
    if (typeof text === 'string' && text !== '' && text.length <= 128) row[field] = intern(text);
  }
  const tags = row['tags'];
  if (Array.isArray(tags)) row['tags'] = tags.map((tag) => intern(tag as string));
}
