/**
 * Rows to the bytes of a record and back.
 *
 * A record's value is the row as one line of JSON; a KV record has a newline and the raw value
 * after it, so that half a megabyte of user bytes is never escaped. `modified` is stored as 0 and
 * read as the record's own revision; so is a `created` of 0, which the transaction that creates
 * the row writes.
 */

import { RegistryError } from '@rollcall/protocol';
import { kindOf, type Row } from './rows.ts';

const newline = 0x0a;

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

export function encodeRow(row: Row): Uint8Array {
  if (row.kind === 'kv') {
    const { value, flags, ...rest } = row;
    const head = { ...rest, value: null, flags: flags.toString(), modified: 0 };
    return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), value]);
  }
  return Buffer.from(JSON.stringify(row.modified === 0 ? row : { ...row, modified: 0 }));
}

/** @throws RegistryError `data_loss` when the bytes are not a row of the kind that the key says */
export function decodeRow(key: string, value: Uint8Array, revision: number, intern: Intern): Row {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    const isKv = key.startsWith('kv\0');
    const end = isKv ? bytes.indexOf(newline) : bytes.length;
    // Filled in place: a copy of each row would double the time of a restart.
    const row = JSON.parse(bytes.toString('utf8', 0, end)) as Mutable;
    if (row.kind !== kindOf(key)) throw new TypeError(`it is a ${String(row.kind)}`);
    if (isKv) {
      row['value'] = Uint8Array.prototype.slice.call(bytes, end + 1);
      row['flags'] = BigInt(row['flags'] as string);
    } else shareStrings(row, intern);
    row.created = row.created === 0 ? revision : row.created;
    row.modified = revision;
    return row as unknown as Row;
  } catch (cause) {
    throw new RegistryError('data_loss', `record ${JSON.stringify(key)} cannot be read`, { cause });
  }
}

/**
 * What `decodeRow` would give for the bytes of a row that was encoded here, for a fraction of the
 * time. A KV row is decoded all the same: its value may be a slice of a request's much larger buffer.
 */
export function committedRow(row: Row, revision: number, intern: Intern): Row {
  const copy = { ...row, created: row.created === 0 ? revision : row.created, modified: revision };
  shareStrings(copy, intern);
  return copy;
}

interface Mutable {
  [field: string]: unknown;
  kind: unknown;
  created: unknown;
  modified: unknown;
}

const shared = ['kind', 'service', 'node', 'address', 'name', 'status', 'type', 'output', 'notes', 'instance'];

function shareStrings(row: Mutable, intern: Intern): void {
  for (const field of shared) {
    const text = row[field];
    if (typeof text === 'string' && text.length <= 128) row[field] = intern(text);
  }
  const tags = row['tags'];
  if (Array.isArray(tags)) row['tags'] = tags.map((tag) => intern(tag as string));
}
