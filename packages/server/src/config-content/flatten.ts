/**
 * Values under flat keys, named as Spring's server names them (`YamlProcessor.buildFlattenedMap`): `servers[0].port`. Null, empty objects
 * and empty arrays are an empty text, as there. When two paths give the same key, the last one wins.
 */

export type FlatValue = string | number | boolean;

/** @param value plain data without cycles */
export function flatten(value: unknown): Map<string, FlatValue> {
  const flat = new Map<string, FlatValue>();
  if (isPlainObject(value)) addAll(flat, '', value);
  else add(flat, 'content', value);
  return flat;
}

function add(flat: Map<string, FlatValue>, key: string, value: unknown): void {
  if (Array.isArray(value)) {
    if (value.length === 0) flat.set(key, '');
    value.forEach((each, index) => add(flat, `${key}[${index}]`, each));
  } else if (isPlainObject(value)) {
    if (Object.keys(value).length === 0) flat.set(key, '');
    else addAll(flat, `${key}.`, value);
  } else flat.set(key, isFlat(value) ? value : typeof value === 'number' ? value.toString() : '');
}

function addAll(flat: Map<string, FlatValue>, prefix: string, object: object): void {
  for (const [key, value] of Object.entries(object)) add(flat, `${prefix}${key}`, value);
}

/** JSON of one object, in the order of the map. */
export function flatJson(flat: ReadonlyMap<string, FlatValue>): string {
  return `{${Array.from(flat, ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFlat(value: unknown): value is FlatValue {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
