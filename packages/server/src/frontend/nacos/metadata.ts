/**
 * Metadata of an instance as Nacos has it: one map of texts. Keys that begin with `preserved.` set the times of heartbeats and the
 * generator of ids; the others are the registry's `meta`. Pure.
 *
 * Source: `PreservedMetadataKeys` and `Instance` in github.com/alibaba/nacos.
 */

import { BareObject } from '../../net/bare-object.ts';
import { invalid } from './names.ts';

export type Metadata = Readonly<Record<string, string>>;

const preservedPrefix = 'preserved.';

/** Most characters of all keys and values. Nacos refuses more than 1,024; Dubbo's endpoints need more. */
const charactersMax = 16_384;
const entriesMax = 256;

/** Times of heartbeats, in milliseconds. */
export interface BeatTimes {
  /** Pause between two heartbeats of the client. */
  readonly intervalMs: number;
  /** Silence after which the instance is unhealthy. */
  readonly timeoutMs: number;
  /** Silence after which it is removed. */
  readonly removalMs: number;
}

export const defaultTimes: BeatTimes = { intervalMs: 5_000, timeoutMs: 15_000, removalMs: 30_000 };

/** Longest time that metadata may set: a day. */
const timeMaxMs = 86_400_000;

/** The times that the metadata sets; a value that is no time sets none, as in Nacos. */
export function beatTimes(metadata: Metadata): BeatTimes {
  const time = (key: string, usual: number) => {
    const given = metadata[`${preservedPrefix}${key}`];
    return given !== undefined && /^\d{1,9}$/.test(given) && Number(given) > 0 ? Math.min(Number(given), timeMaxMs) : usual;
  };
  return {
    intervalMs: time('heart.beat.interval', defaultTimes.intervalMs),
    timeoutMs: time('heart.beat.timeout', defaultTimes.timeoutMs),
    removalMs: time('ip.delete.timeout', defaultTimes.removalMs),
  };
}

/** Its name on the wire, or undefined: Nacos reads it from metadata, and knows a default only when there is none at all. */
export function idGenerator(metadata: Metadata): string | undefined {
  return Object.keys(metadata).length === 0 ? 'simple' : metadata[`${preservedPrefix}instance.id.generator`];
}

/** The part that Nacos keeps for itself, and the part that every protocol sees. */
export function divide(metadata: Metadata): { readonly preserved: Metadata; readonly meta: Metadata } {
  const preserved = new BareObject() as Record<string, string>;
  const meta = new BareObject() as Record<string, string>;
  for (const [key, value] of Object.entries(metadata)) {
    if (key.startsWith(preservedPrefix)) preserved[key] = value;
    else meta[key] = value;
  }
  return { preserved, meta };
}

/**
 * Metadata in a parameter: JSON, or `k=v,k=v`, as in Nacos (`UtilsAndCommons.parseMetadata`).
 * @throws RegistryError `invalid_argument`
 */
export function parseMetadata(text: string): Metadata {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return checkMetadata(parsePairs(text));
  }
  return readMetadata(value);
}

/** Metadata as JSON. Values that are no text become text; null values are left out. @throws RegistryError `invalid_argument` */
export function readMetadata(value: unknown): Metadata {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid("Param 'metadata' is illegal: it is no JSON object.");
  // No key of a client may reach the prototype.
  const metadata = new BareObject() as Record<string, string>;
  for (const [key, each] of Object.entries(value)) {
    if (each !== null && each !== undefined) metadata[key] = typeof each === 'string' ? each : JSON.stringify(each);
  }
  return checkMetadata(metadata);
}

function parsePairs(text: string): Metadata {
  const metadata = new BareObject() as Record<string, string>;
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0) throw invalid("Param 'metadata' is illegal: it is neither a JSON object nor a list of key=value.");
    metadata[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return metadata;
}

function checkMetadata(metadata: Metadata): Metadata {
  const entries = Object.entries(metadata);
  if (entries.length > entriesMax) throw invalid(`Param 'metadata' is illegal: it has ${entries.length} keys, the limit is ${entriesMax}.`);
  const characters = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (characters > charactersMax) {
    throw invalid(`Param 'metadata' is illegal: its keys and values have ${characters} characters, the limit is ${charactersMax}.`);
  }
  return metadata;
}
