/**
 * Rows to the bytes of a record and back.
 *
 *   format version of the kind, flags (one byte each), then the row as one line of JSON
 *   a row with a raw part (a KV value): the same, a newline, and the bytes, so that half a megabyte is never escaped
 *
 * Fields that follow from the record key are not stored again, nor is `modified`, which is the record's own revision. A record
 * without `created` was created at its own revision. The first records of this format have these fields; they are read alike.
 * Records of an earlier format of one kind are carried over as they are read (`Kind.earlier`); those of format 1 of all kinds are
 * converted before they come here (`migration/`). Records of a newer one are kept as they are,
 * or refused, as their flags say.
 */

import { RegistryError } from '@rollcall/protocol';
import type { KindTable } from './kind-table.ts';
import type { UnreadRow } from './markers.ts';
import type { EarlierFormat, Kind } from './room.ts';
import { isOf, kindOf, separator, type AnyRow } from './row.ts';

const newline = 0x0a;
const brace = 0x7b;

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
    const own = detached(text);
    known.set(own, own);
    return own;
  };
}

/** V8 copies a shorter piece of a string; a longer one refers to the whole string (`SlicedString::kMinLength` of its `string.h`). */
const pieceLengthMin = 13;

/** The same text without the string that it may be a piece of: the body of a request is ten times as long as what a row keeps of it. */
function detached(text: string): string {
  return text.length < pieceLengthMin ? text : ` ${text}`.slice(1);
}

export function encodeWith(kinds: KindTable, row: AnyRow): Uint8Array {
  const { text, raw } = encodedParts(kinds, row);
  if (raw === undefined) return Buffer.from(text);
  if (text === '') return raw;
  const textBytes = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(textBytes + raw.length);
  bytes.write(text, 0);
  bytes.set(raw, textBytes);
  return bytes;
}

/** The bytes of a row: those of a text in UTF-8, and raw ones after them, if there are any. For a caller that has a place for them. */
export function encodedParts(kinds: KindTable, row: AnyRow): { readonly text: string; readonly raw?: Uint8Array } {
  if (isOf<UnreadRow>(row, 'unread')) return { text: '', raw: row.bytes };
  const kind = kinds.of(row);
  const head = headOf(kind);
  if (kind.raw === undefined) return { text: head + stored(kind, { ...row }) };
  const { json, bytes } = kind.raw.split(row);
  return { text: `${head}${stored(kind, json as Fields)}\n`, raw: bytes };
}

type Fields = Record<string, unknown>;

const none: readonly string[] = [];

/** @param fields of the row, in an object that may be changed: JSON leaves out what is undefined, for less time than a copy without it takes */
function stored({ keyFields = none }: Kind, fields: Fields): string {
  for (const field of keyFields) fields[field] = undefined;
  fields['kind'] = undefined;
  fields['modified'] = undefined;
  if (fields['created'] === 0) fields['created'] = undefined;
  return JSON.stringify(fields);
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
  const earlier = kind?.earlier?.find((each) => each.format === format);
  if (format !== undefined && earlier === undefined && (format === 0 || format !== kind?.format)) {
    // Every table has the kind of unread rows (`markers.ts`).
    return unread(record, { name, format, known: kind?.format }) as AnyRow as R;
  }
  const bytes = value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    if (kind === undefined || bytes[headBytes] !== brace) throw new TypeError('it is no row');
    const { raw } = kind;
    const end = raw === undefined ? bytes.length : bytes.indexOf(newline);
    // Filled in place: a copy of each row would double the time of a restart.
    const row = JSON.parse(bytes.toString('utf8', headBytes, end)) as Mutable;
    if (raw === undefined) shareStrings(row, intern);
    else raw.join(row, Uint8Array.prototype.slice.call(bytes, end + 1));
    if (row.kind !== undefined && row.kind !== name) throw new TypeError(`it is a ${JSON.stringify(row.kind)}`);
    row.kind = intern(name);
    fillFromKey(row, earlier ?? kind, key, intern);
    earlier?.carryOver(row);
    if (row.created === undefined || row.created === 0) row.created = revision;
    row.modified = revision;
    return row as unknown as R;
  } catch (cause) {
    throw new RegistryError('data_loss', `record ${JSON.stringify(key)} cannot be read`, { cause });
  }
}

/** @throws TypeError when the key has too few parts, or others than the record says of itself */
function fillFromKey(row: Mutable, { keyFields = none }: Pick<Kind | EarlierFormat, 'keyFields'>, key: string, intern: Intern): void {
  let from = key.indexOf(separator) + 1;
  const last = keyFields.length - 1;
  for (let at = 0; at <= last; at++) {
    const field = keyFields[at] as string;
    const end = at === last ? key.length : key.indexOf(separator, from);
    if (from === 0 || end < from) throw new TypeError('its key has too few parts');
    const text = key.slice(from, end);
    const given = row[field];
    if (given !== undefined && given !== text) throw new TypeError(`its ${field} is ${JSON.stringify(given)}`);
    row[field] = isShared(field) ? intern(text) : text;
    from = end + 1;
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
 * Makes of a row that was encoded here what decoding would give for its bytes, for a fraction of the time.
 * @param key of its record
 * @param row of the draft that is committed, which is changed in place: nothing else writes it
 */
export function committedRow<R extends AnyRow>({ raw, keyFields = none }: Kind, key: string, row: R, revision: number, intern: Intern): R {
  const own = row as AnyRow as unknown as Mutable;
  if (own.created === 0) own.created = revision;
  own.modified = revision;
  // The caller of the command may change its own list.
  if (Array.isArray(own['tags'])) own['tags'] = own['tags'].slice();
  shareStrings(own, intern);
  takeFromKey(own, keyFields, key);
  detachTexts(own, keyFields);
  // The bytes may be a slice of a request's much larger buffer.
  if (raw !== undefined) own[raw.field] = Uint8Array.prototype.slice.call(own[raw.field]);
  return row;
}

/** Fields of the key that few rows share become pieces of the key, which is kept in any case. */
function takeFromKey(row: Mutable, keyFields: readonly string[], key: string): void {
  let from = key.indexOf(separator) + 1;
  const last = keyFields.length - 1;
  for (let at = 0; at <= last; at++) {
    const field = keyFields[at] as string;
    const end = at === last ? key.length : key.indexOf(separator, from);
    if (!isShared(field)) row[field] = key.slice(from, end);
    from = end + 1;
  }
}

/** Detaches the texts that are neither shared nor pieces of the key. */
function detachTexts(row: Mutable, keyFields: readonly string[]): void {
  for (const field in row) {
    const value = row[field];
    if (typeof value !== 'string') {
      if (field !== 'tags') detachWithin(value);
    } else if (value.length >= pieceLengthMin && !keyFields.includes(field) && !(value.length <= sharedLengthMax && shared.includes(field))) {
      row[field] = detached(value);
    }
  }
}

function detachWithin(value: unknown): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  const fields = value as Record<string, unknown>;
  for (const name in fields) {
    const inner = fields[name];
    if (typeof inner !== 'string') detachWithin(inner);
    // The caller of the command may have frozen it.
    else if (inner.length >= pieceLengthMin) Reflect.set(fields, name, detached(inner));
  }
}

interface Mutable {
  [field: string]: unknown;
  kind: unknown;
  created: unknown;
  modified: unknown;
}

const sharedLengthMax = 128;

/** Fields whose texts many rows have. Of the checks, as many as there are instances name each its own one. */
const shared = ['namespace', 'service', 'node', 'address', 'name', 'status', 'type', 'output', 'notes'];

/** Whether many rows have the same text in a field of their keys. */
function isShared(field: string): boolean {
  return field === 'namespace' || field === 'node' || field === 'name' || field === 'type';
}

/** Changes the row and its list of tags in place. */
function shareStrings(row: Record<string, unknown>, intern: Intern): void {
  for (const field of shared) {
    const text = row[field];
    // There is only one empty string.
    if (typeof text === 'string' && text !== '' && text.length <= sharedLengthMax) row[field] = intern(text);
  }
  const tags = row['tags'] as string[] | undefined;
  if (Array.isArray(tags)) for (let at = 0; at < tags.length; at++) tags[at] = intern(tags[at] as string);
}
