/**
 * The size of a transaction on an engine that has limits. A batch is decided within a bound that leaves room for markers and
 * heads, which are added at the end. If it still exceeds the limits, it is decided again within half the bound.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Bound } from './fill.ts';

/** Those of an engine (`EngineLimits`). */
export interface Limits {
  /** Most expectations and guards together, and most puts and deletions together. */
  readonly operations: number;
  /** Most bytes of all keys and values, in UTF-8. */
  readonly bytes: number;
}

export const unlimited: Limits = { operations: Infinity, bytes: Infinity };

/** A bound that seldom exceeds the limits: about one marker or head comes to each row. */
export function within({ rows, bytes, reads }: Bound, limits: Limits): Bound {
  return {
    rows: Math.min(rows, Math.max(1, Math.floor(limits.operations / 2))),
    bytes: Math.min(bytes, Math.max(1, Math.floor(limits.bytes / 2))),
    reads: Math.min(reads, Math.max(1, Math.floor((limits.operations * 3) / 4))),
  };
}

export function halved({ rows, bytes, reads }: Bound): Bound {
  return { rows: Math.max(1, rows >> 1), bytes: Math.max(1, bytes / 2), reads: Math.max(1, reads / 2) };
}

/** A transaction as far as its size goes. */
export interface Sized {
  readonly expect: readonly { readonly key: string }[];
  readonly guards: readonly { readonly under: string }[];
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly delete: readonly string[];
}

/** @param limits what has none is not measured */
export function sizeOf({ expect, guards, put, delete: gone }: Sized, limits: Limits): Limits {
  const operations = Math.max(expect.length + guards.length, put.length + gone.length);
  if (limits.bytes === Infinity) return { operations, bytes: 0 };
  let bytes = 0;
  for (const { key } of expect) bytes += Buffer.byteLength(key);
  for (const { under } of guards) bytes += Buffer.byteLength(under);
  for (const { key, value } of put) bytes += Buffer.byteLength(key) + value.length;
  for (const key of gone) bytes += Buffer.byteLength(key);
  return { operations, bytes };
}

export function fits(size: Limits, limits: Limits): boolean {
  return size.operations <= limits.operations && size.bytes <= limits.bytes;
}

/** For a command that cannot be cut any further. */
export function tooLarge(size: Limits, limits: Limits): RegistryError {
  const what =
    size.operations > limits.operations
      ? `${size.operations} operations, the limit of the store is ${limits.operations}`
      : `${size.bytes} bytes, the limit of the store is ${limits.bytes}`;
  return new RegistryError('invalid_argument', `one transaction would have ${what}; ask for less at a time`);
}
