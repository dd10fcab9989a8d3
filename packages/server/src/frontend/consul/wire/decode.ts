/**
 * Decodes request bodies by schema: the fields that an object may have, their types, and their other names.
 *
 * As in Go's `encoding/json` with Consul's settings, keys match without regard to case, null leaves a
 * field unset, and unknown fields are refused unless the schema allows them. It checks types only;
 * the caller interprets the values.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Json } from '../../../registry/row.ts';
import { BareObject } from '../../../net/bare-object.ts';
import { invalid, quoted } from './errors.ts';
import { parseDuration } from './go-duration.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** `uint64` is a bigint; `duration` is in nanoseconds, given as a Go string or as a number; `json` is kept unchanged. */
type Kind =
  'string' | 'int' | 'uint64' | 'bool' | 'duration' | 'strings' | 'string map' | 'headers' | 'json';
export type Field =
  | Kind
  | { readonly object: AnySchema }
  | { readonly list: AnySchema }
  | { readonly map: AnySchema };
export type Fields = { readonly [name: string]: Field };

export interface Schema<F extends Fields> {
  readonly fields: F;
  readonly byKey: ReadonlyMap<string, string>;
  readonly unknown: 'refused' | 'ignored';
}
export type AnySchema = Schema<Fields>;

type ValueOf<T extends Field> = T extends 'string'
  ? string
  : T extends 'int' | 'duration'
    ? number
    : T extends 'uint64'
      ? bigint
      : T extends 'bool'
      ? boolean
      : T extends 'strings'
        ? string[]
        : T extends 'string map'
          ? Record<string, string>
          : T extends 'headers'
            ? Record<string, string[]>
            : T extends { readonly object: Schema<infer F> }
              ? Decoded<F>
              : T extends { readonly list: Schema<infer F> }
                ? Decoded<F>[]
                : T extends { readonly map: Schema<infer F> }
                  ? Record<string, Decoded<F>>
                  : Json;

export type Decoded<F extends Fields> = { readonly [K in keyof F]?: ValueOf<F[K]> };

/** @param aliases other spelling (lower case) to field name */
export function schema<const F extends Fields>(
  fields: F,
  aliases: Readonly<Record<string, keyof F & string>> = {},
  unknown: 'refused' | 'ignored' = 'refused',
): Schema<F> {
  const byKey = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  for (const [alias, name] of Object.entries(aliases)) byKey.set(alias, name);
  return { fields, byKey, unknown };
}

/** @throws RegistryError `invalid_argument` with the texts of Go's `encoding/json` */
export function decode<F extends Fields>(
  { fields, byKey, unknown }: Schema<F>,
  value: JsonValue,
  path = '',
): Decoded<F> {
  const decoded = new BareObject() as { [name: string]: unknown };
  if (value === null) return decoded as Decoded<F>;
  if (!isObject(value)) throw mismatch(value, path === '' ? 'request body' : `field ${path}`, 'object');
  for (const key of Object.keys(value)) {
    const name = byKey.get(key.toLowerCase());
    if (name === undefined) {
      if (unknown === 'ignored') continue;
      throw invalid(`json: unknown field ${quoted(key)}${edition(key)}`);
    }
    const item = value[key] as JsonValue;
    const place = path === '' ? name : `${path}.${name}`;
    if (item !== null) decoded[name] = decodeField(fields[name] as Field, item, place);
  }
  return decoded as Decoded<F>;
}

function edition(key: string): string {
  if (key === 'Namespace') return ' - Namespaces are a Consul Enterprise feature';
  return key === 'Partition' ? ' - Partitions are a Consul Enterprise feature' : '';
}

/** A body that is a list. @throws RegistryError `invalid_argument` */
export function decodeAll<F extends Fields>(shape: Schema<F>, value: JsonValue): Decoded<F>[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw mismatch(value, 'request body', 'array');
  return value.map((item) => decode(shape, item));
}

function decodeField(field: Field, value: JsonValue, path: string): unknown {
  if (typeof field === 'object') {
    if ('object' in field) return decode(field.object, value, path);
    if ('list' in field) return listOf(value, path, (item, at) => decode(field.list, item, at));
    return mapOf(value, path, (item, at) => decode(field.map, item, at));
  }
  switch (field) {
    case 'string':
      return text(value, path);
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, `field ${path}`, 'bool');
      return value;
    case 'int':
      if (!Number.isInteger(value)) throw mismatch(value, `field ${path}`, 'int');
      return value;
    case 'uint64':
      if (typeof value === 'bigint' && value >= 0n && value <= uint64Max) return value;
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value);
      throw mismatch(value, `field ${path}`, 'uint64');
    case 'duration':
      if (typeof value === 'string') return parseDuration(value);
      if (typeof value === 'number' || typeof value === 'bigint') return Math.trunc(Number(value));
      throw mismatch(value, `field ${path}`, 'duration');
    case 'strings':
      return listOf(value, path, text);
    case 'string map':
      return mapOf(value, path, text);
    case 'headers':
      return mapOf(value, path, (item, at) => listOf(item, at, text));
    case 'json':
      return plain(value);
  }
}

const uint64Max = 2n ** 64n - 1n;

function text(value: JsonValue, path: string): string {
  if (typeof value !== 'string') throw mismatch(value, `field ${path}`, 'string');
  return value;
}

function listOf<T>(value: JsonValue, path: string, item: (value: JsonValue, path: string) => T): T[] {
  if (!Array.isArray(value)) throw mismatch(value, `field ${path}`, 'array');
  return value.map((element) => item(element, path));
}

function mapOf<T>(
  value: JsonValue,
  path: string,
  item: (value: JsonValue, path: string) => T,
): Record<string, T> {
  if (!isObject(value)) throw mismatch(value, `field ${path}`, 'object');
  const map = new BareObject() as Record<string, T>;
  for (const key of Object.keys(value)) map[key] = item(value[key] as JsonValue, path);
  return map;
}

/** A row cannot contain a bigint: a number that needs one becomes the float that Go would read. */
function plain(value: JsonValue): Json {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value)) return mapOf(value, '', plain);
  return value;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(value: JsonValue, place: string, wanted: string): RegistryError {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const fraction = typeof value === 'number' && !Number.isInteger(value) ? ` ${value}` : '';
  const shown = (found === 'bigint' ? 'number' : found) + fraction;
  return invalid(`json: cannot unmarshal ${shown} into ${place} of type ${wanted}`);
}
