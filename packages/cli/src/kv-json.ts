/**
 * Keys as Consul's `kv export` writes them and `kv import` reads them: a JSON array of `{"key", "flags", "value"}`, with
 * values in base64 (https://developer.hashicorp.com/consul/commands/kv/export). Pure.
 *
 * Flags have 64 bits and JSON's numbers in JavaScript 53: they are read and written as text.
 */

import { usage } from './failure.ts';

export interface ExportedKey {
  readonly key: string;
  readonly flags: bigint;
  /** In base64. */
  readonly value: string;
}

/** Such a key is never within a string: there, its quotes would have backslashes before them. */
const longFlags = /("flags"\s*:\s*)(\d+)/gi;

/** JSON whose `flags`, in upper or lower case, are numbers of any size; they become strings. */
export function parseWithFlags(text: string): unknown {
  return JSON.parse(text.replace(longFlags, '$1"$2"'));
}

/** One entry of the array, without a comma behind it. */
export function exportedText({ key, flags, value }: ExportedKey): string {
  return `\t{\n\t\t"key": ${JSON.stringify(key)},\n\t\t"flags": ${flags},\n\t\t"value": ${JSON.stringify(value)}\n\t}`;
}

/**
 * All entries of a document, checked before any is used.
 * @throws CommandFailure `usage` that names the entry and what is wrong with it
 */
export function importedKeys(text: string): ExportedKey[] {
  let document: unknown;
  try {
    document = parseWithFlags(text);
  } catch (error) {
    throw usage(`the data is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(document)) throw usage('the data is no JSON array; "rollcall kv export" and "consul kv export" write one');
  return document.map((entry, index) => importedKey(entry, index));
}

function importedKey(entry: unknown, index: number): ExportedKey {
  const wrong = (what: string) => usage(`entry ${index + 1} of the data: ${what}`);
  if (typeof entry !== 'object' || entry === null) throw wrong('it is no object');
  const { key, flags = '0', value = '' } = entry as { key?: unknown; flags?: unknown; value?: unknown };
  if (typeof key !== 'string' || key === '') throw wrong('"key" is no text, or empty');
  if (typeof flags !== 'string' || !/^\d{1,20}$/.test(flags) || BigInt(flags) >= 2n ** 64n) {
    throw wrong(`"flags" of ${JSON.stringify(key)} is no whole number from 0 to 2^64 - 1`);
  }
  // Consul writes null for a value without bytes.
  const base64 = value ?? '';
  if (typeof base64 !== 'string' || !isBase64(base64)) throw wrong(`"value" of ${JSON.stringify(key)} is not base64`);
  return { key, flags: BigInt(flags), value: base64 };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
