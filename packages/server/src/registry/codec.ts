/**
 * Rows to the bytes of a record and back.
 *
 * A record's value is one line of JSON; a KV record has a newline and the raw value after it, so
 * that half a megabyte of user bytes is never escaped. `modified` is not stored: it is the
 * record's own revision. `created` is stored as 0 by the transaction that creates the row, which
 * means "my own revision".
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
    const { value, flags, modified: _modified, kind: _kind, ...rest } = row;
    const head = Buffer.from(`${JSON.stringify({ ...rest, flags: flags.toString() })}\n`);
    return Buffer.concat([head, value]);
  }
  const { modified: _modified, kind: _kind, ...content } = row;
  return Buffer.from(JSON.stringify(content));
}

/** @throws RegistryError `data_loss` when the bytes are not a row of the kind that the key says */
export function decodeRow(key: string, value: Uint8Array, revision: number, intern: Intern): Row {
  const kind = kindOf(key) as Row['kind'];
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    if (kind === 'kv') {
      const end = bytes.indexOf(newline);
      const head = JSON.parse(bytes.toString('utf8', 0, end));
      const payload = Uint8Array.prototype.slice.call(bytes, end + 1);
      return withRevisions({ ...head, kind, value: payload, flags: BigInt(head.flags) }, revision);
    }
    return withRevisions({ ...shareStrings(JSON.parse(bytes.toString('utf8')), intern), kind } as Row, revision);
  } catch (cause) {
    throw new RegistryError('data_loss', `record ${JSON.stringify(key)} cannot be read`, { cause });
  }
}

function withRevisions(content: Row, revision: number): Row {
  return { ...content, created: content.created || revision, modified: revision };
}

const shared = ['service', 'node', 'address', 'name', 'status', 'type', 'output', 'notes', 'instance'];

function shareStrings(content: Record<string, unknown>, intern: Intern): Row {
  for (const field of shared) {
    const text = content[field];
    if (typeof text === 'string' && text.length <= 128) content[field] = intern(text);
  }
  if (Array.isArray(content['tags'])) content['tags'] = content['tags'].map(intern);
  return content as unknown as Row;
}
