/**
 * From the layers of a configuration to the value that a program reads, by format. Properties are joined key by key over all
 * layers; of other formats the first layer counts. YAML and TOML are texts unless the program gives a parser, since the client
 * brings none. Pure.
 */

import { formatOfName, isConfigFormat, mergeProperties, parseProperties, RegistryError, type ConfigFormat, type ConfigLayer } from '@rollcall/protocol';

/** Parses YAML, TOML or another text; what it throws is reported, and the last value stays. */
export type ContentParser = (content: string, format: string) => unknown;

export interface ReadContent {
  readonly value: unknown;
  /** Of properties: the layer that each key comes from. */
  readonly origins: ReadonlyMap<string, ConfigLayer> | undefined;
}

/** @throws RegistryError `invalid_argument` for content that is not in its format; what the parser throws */
export function readLayers(layers: readonly [ConfigLayer, ...ConfigLayer[]], parse: ContentParser | undefined): ReadContent {
  const [own] = layers;
  const format = formatOf(own);
  if (format === 'properties') return joined(layers);
  return { value: parsed(own, format, parse), origins: undefined };
}

export function formatOf({ format, name }: Pick<ConfigLayer, 'format' | 'name'>): ConfigFormat {
  if (isConfigFormat(format)) return format;
  return (format === undefined ? formatOfName(name) : undefined) ?? 'text';
}

/** The text of a format with keys: neither a parser nor a schema has made an object of it. */
export function isUnparsed(value: unknown, [own]: readonly ConfigLayer[]): boolean {
  if (typeof value !== 'string' || own === undefined) return false;
  const format = formatOf(own);
  return format === 'yaml' || format === 'toml';
}

function joined(layers: readonly ConfigLayer[]): ReadContent {
  const readable = layers.filter((layer) => formatOf(layer) === 'properties');
  const merged = mergeProperties(
    readable.map((layer) => {
      const result = parseProperties(layer.content);
      if (result.ok) return { entries: result.entries, origin: layer };
      throw invalid(layer, `line ${result.line}: ${result.message}`);
    }),
  );
  const values: [key: string, value: string][] = [];
  const origins = new Map<string, ConfigLayer>();
  for (const [key, { value, origin }] of merged) {
    values.push([key, value]);
    origins.set(key, origin);
  }
  return { value: Object.fromEntries(values), origins };
}

function parsed(layer: ConfigLayer, format: ConfigFormat, parse: ContentParser | undefined): unknown {
  if (parse !== undefined) return parse(layer.content, format);
  if (format !== 'json' && format !== 'flags') return layer.content;
  try {
    return JSON.parse(layer.content);
  } catch (error) {
    throw invalid(layer, error instanceof Error ? error.message : String(error));
  }
}

function invalid(layer: ConfigLayer, message: string): RegistryError {
  return new RegistryError('invalid_argument', `${layer.app}/${layer.name}, release ${layer.release}, is not valid ${formatOf(layer)}: ${message}`);
}

/** Levels, and keys in all, to which `get` leads. */
const depthMax = 16;
const keysMax = 100_000;

/**
 * All keys of a value: those of objects within it are joined by dots, as in `db.host`. A key that itself has a dot wins over
 * one that is joined.
 */
export function keysOf(value: unknown): ReadonlyMap<string, unknown> {
  const keys = new Map<string, unknown>();
  const add = (object: object, prefix: string, depth: number): void => {
    const within: [string, object][] = [];
    for (const [name, each] of Object.entries(object)) {
      if (keys.size >= keysMax) return;
      const key = prefix + name;
      if (!keys.has(key)) keys.set(key, each);
      if (isObject(each) && depth < depthMax) within.push([`${key}.`, each]);
    }
    for (const [inner, each] of within) add(each, inner, depth + 1);
  };
  if (isObject(value)) add(value, '', 1);
  return keys;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
