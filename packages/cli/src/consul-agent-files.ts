/**
 * Reads Consul's configuration files, HCL or JSON, to plain values and merges them. `consul-agent.ts`
 * interprets the values.
 *
 * Source of the rules: https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file,
 * and experiments: later values win, objects are merged key by key, lists are appended.
 */

import type { HclItem, HclValue } from '@rollcall/server';
import { isObject, type Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';

export type Format = 'hcl' | 'json';

export interface ConfigFile {
  /** Its name in messages. */
  readonly path: string;
  readonly format: Format;
  readonly text: string;
}

export type ParseHcl = (text: string) => readonly HclItem[];

/** The format by the name of the file; undefined for any other ending. */
export function formatOf(name: string): Format | undefined {
  return name.endsWith('.json') ? 'json' : name.endsWith('.hcl') ? 'hcl' : undefined;
}

/** @throws CommandFailure `usage` that names the file, the place and the fault */
export function parseFile({ path, format, text }: ConfigFile, parseHcl: ParseHcl): Values {
  let values: unknown;
  try {
    // An empty file has no settings, in either format.
    values = text.trim() === '' ? {} : format === 'json' ? parseJson(text) : objectOf(parseHcl(text));
  } catch (error) {
    // The reader of HCL is the one for access rules, and its messages say that.
    const why = (error as Error).message.replace(/^the rules cannot be read: /, '');
    throw usage(`${path} is not ${format.toUpperCase()}: ${why}`);
  }
  if (!isObject(values)) throw usage(`${path} holds no JSON object`);
  return plural(values);
}

/** A repeated block makes a list; an attribute must not be repeated. */
function objectOf(items: readonly HclItem[]): Values {
  const object = Object.create(null) as Record<string, unknown>;
  for (const { keys, value, line, column } of items) {
    const [key, ...labels] = keys;
    const plain = labels.reduceRight<unknown>((inner, label) => ({ [label]: inner }), plainOf(value));
    const before = object[key];
    if (before === undefined) {
      object[key] = plain;
      continue;
    }
    const blocks = [before, plain].flat();
    if (!blocks.every(isObject)) throw new Error(`line ${line}, column ${column}: ${key} is given twice`);
    object[key] = blocks;
  }
  return object;
}

function plainOf(value: HclValue): unknown {
  if (value.kind === 'object') return objectOf(value.items);
  return value.kind === 'list' ? value.values.map(plainOf) : value.value;
}

/** As `JSON.parse`, but refuses duplicate keys, of which `JSON.parse` uses the last. @throws Error for those, too */
function parseJson(text: string): unknown {
  const values: unknown = JSON.parse(text);
  /** Keys of the open objects, and `undefined` for open lists, at a place of the text. */
  const open: (Set<string> | undefined)[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (key !== undefined) {
      const name = JSON.parse(key) as string;
      if (open.at(-1)?.has(name) === true) throw new Error(`${name} is given twice`);
      open.at(-1)?.add(name);
    }
  }
  return values;
}

/** Adds `service` and `check` to the lists, so that a later file does not replace them. */
function plural({ service, services, check, checks, ...rest }: Values): Values {
  return {
    ...rest,
    ...(service === undefined && services === undefined ? {} : { services: [...listOf(services), ...listOf(service)] }),
    ...(check === undefined && checks === undefined ? {} : { checks: [...listOf(checks), ...listOf(check)] }),
  };
}

export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** `b` is the later value. */
export function merge(a: Values, b: Values): Values {
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (isObject(before) && isObject(value)) merged[key] = merge(before, value);
    else if (Array.isArray(before) && Array.isArray(value)) merged[key] = [...before, ...value];
    else merged[key] = value;
  }
  return merged;
}
