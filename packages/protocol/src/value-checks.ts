/** Checks values that several frames have: keys, revisions, bytes and flags. */

import { frameLimits as limits } from './frame-limits.ts';
import { Malformed, integer, matching, string } from './shape.ts';

const u64Max = 18_446_744_073_709_551_615n;

export function key(value: unknown, what: string): string {
  const text = prefix(value, what);
  if (text === '') throw new Malformed(`${what} is empty`);
  return text;
}

export function prefix(value: unknown, what: string): string {
  const text = string(value, what, limits.keyMax);
  if (text.includes('\0')) throw new Malformed(`${what} has a NUL character`);
  return text;
}

export function revision(value: unknown, what: string): number {
  return integer(value, what, 0, Number.MAX_SAFE_INTEGER);
}

export function base64(value: unknown, what: string): string {
  // No limit here: the frame itself has one.
  const text = string(value, what, Number.MAX_SAFE_INTEGER);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Malformed(`${what} is not base64 with padding`);
  }
  return text;
}

export function flags(value: unknown): string {
  const text = matching(value, 'flags', 20, /^(0|[1-9]\d*)$/, 'decimal digits in a string');
  if (BigInt(text) > u64Max) throw new Malformed(`flags is ${text}, the limit is ${u64Max}`);
  return text;
}
