/** Reads KV entries from the command line, and prints them for people and for programs. */

import type { KvEntry } from '@rollcall/client';
import { InvalidArgumentError } from 'commander';
import { harmless } from './terminal.ts';

export const entryTitles = ['KEY', 'REVISION', 'BYTES', 'VALUE'] as const;

/** Longest part of a value in a table, in characters. */
const previewMax = 60;

export function entryRow({ key, value, revision }: KvEntry): string[] {
  const text = utf8(value) ?? `(binary) ${Buffer.from(value).toString('base64')}`;
  const preview = text.length > previewMax ? `${text.slice(0, previewMax)}…` : text;
  return [key, String(revision), String(value.length), preview];
}

/** `flags` is a string, since JSON's numbers end at 2^53. */
export function entryJson({ key, value, flags, revision, session }: KvEntry): object {
  return {
    key,
    value: utf8(value) ?? null,
    base64: Buffer.from(value).toString('base64'),
    flags: String(flags),
    revision,
    ...(session === undefined ? {} : { session }),
  };
}

/** A value on a terminal: control characters are made visible. */
export function shownText(value: Uint8Array): string {
  const text = utf8(value);
  if (text === undefined) return `(binary, ${value.length} bytes; --raw prints them)`;
  return harmless(text);
}

function utf8(value: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}

/** Reads `--cas`. */
export function revision(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('a revision is a whole number of 0 or more.');
}

/** Reads `--flags`. */
export function flags64(text: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new InvalidArgumentError('flags are a whole number from 0 to 18446744073709551615.');
}
