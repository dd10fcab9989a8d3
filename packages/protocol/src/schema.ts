/**
 * A schema that is written once: it is shown as JSON Schema (draft 2020-12, as far as it is used here), gives the TypeScript type of what it
 * allows (`Shaped`), and checks a value with an error for people (`faultIn`). Rules between fields belong to the checks of each value.
 */

import { nearest } from './nearest.ts';

export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null' | readonly ('string' | 'null')[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  /** Fields of an object, at least and at most. */
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly (string | null)[];
  readonly const?: boolean;
  /** One of these. */
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Without flags; the description says in words what it allows. */
  readonly pattern?: string;
  readonly default?: string | number | boolean;
}

/** Fields by name; those whose names end in `?` may be missing. */
export type SchemaFields = Readonly<Record<string, Schema>>;

/** A schema of objects with these fields and no others. */
export interface ObjectSchema<F extends object = SchemaFields> extends Schema {
  readonly type: 'object';
  /** Only for the compiler; absent at run time. */
  readonly fields?: F;
}

/**
 * An object with these fields and no others. Fields whose names end in `?` may be missing. The type of the result lacks the descriptions of the
 * fields: the compiler would repeat them in the published declarations wherever the schema is used.
 */
export function object<const F extends SchemaFields>(
  fields: F,
  description?: string,
): ObjectSchema<{ readonly [K in keyof F]: F[K] extends { readonly description: string } ? { readonly [P in keyof F[K] as Exclude<P, 'description'>]: F[K][P] } : F[K] }> {
  const names = Object.keys(fields);
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

/** The type of the values that a schema allows. */
export type Shaped<S> = S extends { readonly type: 'object'; readonly additionalProperties: infer A }
  ? Readonly<Record<string, Shaped<A>>>
  : S extends ObjectSchema<infer F>
    ? ShapedFields<F>
    : S extends { readonly anyOf: readonly (infer A)[] }
      ? A extends unknown ? Shaped<A> : never
      : S extends { readonly const: infer C }
        ? C
        : S extends { readonly enum: readonly (infer E)[] }
          ? E
          : S extends { readonly type: 'array'; readonly items: infer I }
            ? readonly Shaped<I>[]
            : S extends { readonly type: 'string' }
              ? string
              : S extends { readonly type: 'null' }
                ? null
                : S extends { readonly type: 'number' | 'integer' }
                  ? number
                  : S extends { readonly type: 'boolean' }
                    ? boolean
                    : unknown;

type ShapedFields<F extends object> = {
  readonly [K in keyof F as K extends `${string}?` ? never : K]: Shaped<F[K]>;
} & {
  readonly [K in keyof F as K extends `${infer Name}?` ? Name : never]?: Shaped<F[K]>;
};

/** Nested objects and lists in a value. */
const depthMax = 8;

/** Characters of a value that an error shows. */
const shownMax = 80;

/**
 * @param place names the value in the error
 * @returns what is wrong, with the name of the field; undefined for a value that the schema allows
 */
export function faultIn(value: unknown, schema: Schema, place: string): string | undefined {
  return fault(value, schema, { whole: place, place, mayBeNewer: false }, 0);
}

/**
 * The same for an answer of a server that may be newer than this program: fields and words that the schema does not know are no fault.
 *
 * @param place names the answer in the error
 */
export function faultInAnswer(value: unknown, schema: Schema, place: string): string | undefined {
  return fault(value, schema, { whole: place, place, mayBeNewer: true }, 0);
}

/** Where a value is, and what the whole is called: fields of the whole are named without it. */
interface Place {
  readonly whole: string;
  readonly place: string;
  readonly mayBeNewer: boolean;
}

function fault(value: unknown, schema: Schema, at: Place, depth: number): string | undefined {
  const { place } = at;
  if (depth > depthMax) return `${place} is nested too deep`;
  if (schema.anyOf !== undefined) return faultInAny(value, schema.anyOf, at, depth);
  if (schema.const !== undefined) return value === schema.const ? undefined : `${place} must be ${schema.const}`;
  switch (schema.type) {
    case 'object':
      return faultInObject(value, schema, at, depth);
    case 'array':
      return faultInList(value, schema, at, depth);
    case 'string':
      return faultInText(value, schema, at);
    case 'integer':
    case 'number':
      return faultInNumber(value, schema, place);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `${place} must be true or false`;
    case 'null':
      return value === null ? undefined : `${place} must be null`;
    default:
      return undefined;
  }
}

/** The fault of the alternative that has the type of the value; of the first one for any other value. */
function faultInAny(value: unknown, schemas: readonly Schema[], at: Place, depth: number): string | undefined {
  const faults = schemas.map((schema) => fault(value, schema, at, depth));
  if (faults.includes(undefined)) return undefined;
  const isObject = typeof value === 'object';
  const own = schemas.findIndex(({ type }) => (type === 'object') === isObject);
  return isObject ? faults[own < 0 ? 0 : own] : [...new Set(faults)].join(', or ');
}

function faultInList(value: unknown, { items = {}, minItems = 0, maxItems = Infinity }: Schema, at: Place, depth: number): string | undefined {
  const { place } = at;
  if (!Array.isArray(value)) return `${place} must be a list`;
  if (value.length < minItems) return `${place} has ${value.length} entries, it must have ${minItems} or more`;
  if (value.length > maxItems) return `${place} has ${value.length} entries, the limit is ${maxItems}`;
  for (const [index, each] of (value as readonly unknown[]).entries()) {
    const found = fault(each, items, { ...at, place: `${place}[${index}]` }, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function faultInText(value: unknown, { minLength = 0, maxLength = Infinity, pattern, description, enum: words }: Schema, { place, mayBeNewer }: Place): string | undefined {
  if (typeof value !== 'string') return `${place} must be a text`;
  if (value.length < minLength) return minLength === 1 ? `${place} is empty` : `${place} has ${value.length} characters, it must have ${minLength} or more`;
  if (value.length > maxLength) return `${place} has ${value.length} characters, the limit is ${maxLength}`;
  if (words !== undefined && !mayBeNewer && !words.includes(value)) return `${place} is ${shown(value)}; there are ${words.join(', ')}`;
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return `${place} is ${shown(value)}, it must be ${description ?? pattern}`;
  return undefined;
}

function faultInNumber(value: unknown, schema: Schema, place: string): string | undefined {
  const { type, minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity, exclusiveMaximum = Infinity } = schema;
  if (typeof value !== 'number' || !Number.isFinite(value) || (type === 'integer' && !Number.isSafeInteger(value))) return `${place} must be a ${type === 'integer' ? 'whole number' : 'number'}`;
  if (value >= minimum && value > exclusiveMinimum && value <= maximum && value < exclusiveMaximum) return undefined;
  return `${place} is ${value}, it must be ${rangeOf(schema)}`;
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): string {
  const least = exclusiveMinimum !== undefined ? `more than ${exclusiveMinimum}` : minimum === undefined ? undefined : String(minimum);
  const most = exclusiveMaximum !== undefined ? `less than ${exclusiveMaximum}` : maximum === undefined ? undefined : String(maximum);
  if (least === undefined) return `${most} or less`;
  if (most === undefined) return exclusiveMinimum === undefined ? `${least} or more` : least;
  return exclusiveMinimum === undefined && exclusiveMaximum === undefined ? `${least} to ${most}` : `${least} and ${exclusiveMaximum === undefined ? `at most ${most}` : most}`;
}

function faultInObject(value: unknown, schema: Schema, at: Place, depth: number): string | undefined {
  const { whole, place, mayBeNewer } = at;
  const { properties = {}, required = [], additionalProperties = true, minProperties = 0, maxProperties = Infinity } = schema;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${place} must be an object`;
  for (const name of required) if (!Object.hasOwn(value, name)) return `${place} lacks ${name}`;
  const entries = Object.entries(value);
  if (entries.length < minProperties) return minProperties === 1 ? `${place} is empty` : `${place} has ${entries.length} fields, it must have ${minProperties} or more`;
  if (entries.length > maxProperties) return `${place} has ${entries.length} fields, the limit is ${maxProperties}`;
  for (const [name, each] of entries) {
    const field = { ...at, place: place === whole ? name : `${place}.${name}` };
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    // An ordinary object loses this key.
    if (own === undefined && name === '__proto__') return `${place} may not have the field __proto__`;
    if (own === undefined && additionalProperties === false && !mayBeNewer) return unknownField(name, Object.keys(properties), place);
    const found = fault(each, own ?? (typeof additionalProperties === 'object' ? additionalProperties : {}), field, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unknownField(name: string, known: readonly string[], place: string): string {
  const meant = nearest(name, known);
  return `${place} has the unknown field ${shown(name)}; ${meant === undefined ? `there are ${known.join(', ') || 'none'}` : `did you mean ${meant}?`}`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, shownMax));
}
