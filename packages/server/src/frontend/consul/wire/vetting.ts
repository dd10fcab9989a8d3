/** Checks the values of registrations, with Consul's texts for Consul's rules. */

import { isIP } from 'node:net';
import type { CheckStatus } from '@rollcall/protocol';
import { invalid, quoted } from './errors.ts';

/** Consul's limits for metadata (`agent/structs/structs.go`). */
const metaPairsMax = 64;
const metaKeyMax = 128;
const metaValueMax = 512;

/** Consul has no limit; every list of services shows all tags. */
const tagsMax = 512;

/** Consul has no limit; proxies store whole header policies in tags and names. Such texts are not part of record keys. */
const textBytesMax = 65_536;

/** The longest name that fits into a record key together with the name of a node. */
const nameBytesMax = 512;

/** Consul's cap on check output (`agent/checks/check.go`, `DefaultBufSize`). */
export const outputMax = 4_096;

/** @throws RegistryError `invalid_argument` */
export function vetName(name: string, what: string): string {
  return within(name, what, nameBytesMax);
}

/**
 * For texts that are not part of record keys.
 * @throws RegistryError `invalid_argument`
 */
export function vetText(text: string, what: string): string {
  return within(text, what, textBytesMax);
}

function within(text: string, what: string, bytesMax: number): string {
  checkName(text, what);
  const bytes = Buffer.byteLength(text);
  if (bytes <= bytesMax) return text;
  throw invalid(`Invalid ${what}: it has ${bytes} bytes, the limit is ${bytesMax}`);
}

/** @throws RegistryError `invalid_argument` for a wildcard address, which no client could connect to */
export function vetServiceAddress(address: string): string {
  const family = isIP(address);
  if ((family === 4 && address === '0.0.0.0') || (family === 6 && /^[0:]+$/.test(address))) {
    throw invalid('Invalid service address');
  }
  return vetName(address, 'service address');
}

/** @throws RegistryError `invalid_argument` */
export function vetPort(port: number): number {
  if (port >= 0 && port <= 65_535) return port;
  throw invalid(`Invalid service port ${port}: it must be between 0 and 65535`);
}

/** @throws RegistryError `invalid_argument` */
export function vetTags(tags: readonly string[]): readonly string[] {
  if (tags.length > tagsMax) throw invalid(`Too many tags: ${tags.length}, the limit is ${tagsMax}`);
  for (const tag of tags) vetText(tag, 'tag');
  return tags;
}

/**
 * @param what for the message: `Service Meta`
 * @throws RegistryError `invalid_argument`
 */
export function vetMeta(
  meta: Readonly<Record<string, string>>,
  what: string,
  consulKeys: 'allowed' | 'reserved',
): Readonly<Record<string, string>> {
  const keys = Object.keys(meta);
  if (keys.length > metaPairsMax) {
    throw invalid(`Invalid ${what}: Node metadata cannot contain more than ${metaPairsMax} key/value pairs`);
  }
  for (const key of keys) {
    const value = meta[key] as string;
    const reason = metaReason(key, value, consulKeys);
    if (reason === undefined) continue;
    const pair = `('${key.slice(0, 80)}', '${value.slice(0, 80)}')`;
    throw invalid(`Invalid ${what}: Couldn't load metadata pair ${pair}: ${reason}`);
  }
  return meta;
}

function metaReason(key: string, value: string, consulKeys: 'allowed' | 'reserved'): string | undefined {
  if (key === '') return 'Key cannot be blank';
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return 'Key contains invalid characters';
  if (key.length > metaKeyMax) return `Key is too long (limit: ${metaKeyMax} characters)`;
  if (consulKeys === 'reserved' && key.startsWith('consul-')) {
    return "Key prefix 'consul-' is reserved for internal use";
  }
  if (Buffer.byteLength(value) > metaValueMax) return `Value is too long (limit: ${metaValueMax} characters)`;
  return undefined;
}

/** @throws RegistryError `invalid_argument` */
export function vetWeights(given: {
  readonly Passing?: number;
  readonly Warning?: number;
}): { readonly weight: number; readonly warningWeight: number } {
  const passing = given.Passing ?? 0;
  const warning = given.Warning ?? 0;
  if (passing < 1) throw invalid('Invalid Weights: Passing must be greater than 0');
  if (warning < 0) throw invalid('Invalid Weights: Warning must be greater or equal than 0');
  if (passing > 65_535 || warning > 65_535) {
    throw invalid('Invalid Weights: DNS Weight must be between 0 and 65535');
  }
  return { weight: passing, warningWeight: warning };
}

export function isStatus(text: string): text is CheckStatus {
  return text === 'passing' || text === 'warning' || text === 'critical';
}

/** Shortens notes to the limit of an output, so that a reason from a URL cannot fill the store. */
export function vetNotes(notes: string): string {
  return notes.length > outputMax ? notes.slice(0, outputMax) : notes;
}

/** Names are parts of record keys, which NUL separates; other control characters are mistakes. */
const control = /\p{Cc}/u;

/** @throws RegistryError `invalid_argument` when `name` has a control character */
export function checkName(name: string, what: string): void {
  if (!control.test(name)) return;
  throw invalid(`Invalid ${what} ${quoted(name)}: control characters are not allowed`);
}
