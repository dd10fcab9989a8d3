/**
 * Consul's configuration files as plain values: HCL and JSON, and how several are put together. What
 * the values mean is the business of `consul-agent.ts`.
 *
 * Source of the rules: https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file,
 * and trying them: later values win, objects are merged key by key, lists are appended.
 */

import type { HclItem, HclValue } from '@rollcall/server';
import { isObject, type Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';

export type Format = 'hcl' | 'json';

export interface ConfigFile {
  /** As messages call it. */
  readonly path: string;
  readonly format: Format;
  readonly text: string;
}

export type ParseHcl = (text: string) => readonly HclItem[];

/** By the name of the file; undefined when it tells nothing. */
export function formatOf(name: string): Format | undefined {
  return name.endsWith('.json') ? 'json' : name.endsWith('.hcl') ? 'hcl' : undefined;
}

/** @throws CommandFailure `usage` that names the file, and what is wrong where */
export function parseFile({ path, format, text }: ConfigFile, parseHcl: ParseHcl): Values {
  let values: unknown;
  try {
    // A file that is empty has no settings, in either format.
    values = text.trim() === '' ? {} : format === 'json' ? JSON.parse(text) : objectOf(parseHcl(text));
  } catch (error) {
    throw usage(`${path} is not ${format.toUpperCase()}: ${(error as Error).message}`);
  }
  if (!isObject(values)) throw usage(`${path} holds no JSON object`);
  return plural(sections(values));
}

/** A block that occurs again makes a list; an attribute that does wins. */
function objectOf(items: readonly HclItem[]): Values {
  const object = Object.create(null) as Record<string, unknown>;
  for (const { keys, value } of items) {
    const [key, ...labels] = keys;
    const plain = labels.reduceRight<unknown>((inner, label) => ({ [label]: inner }), plainOf(value));
    const before = object[key];
    const again = isObject(plain) && before !== undefined && (isObject(before) || Array.isArray(before));
    object[key] = again ? [...(Array.isArray(before) ? before : [before]), plain] : plain;
  }
  return object;
}

function plainOf(value: HclValue): unknown {
  if (value.kind === 'object') return objectOf(value.items);
  return value.kind === 'list' ? value.values.map(plainOf) : value.value;
}

/** What are lists of objects; every other list of objects stands for one object. */
const lists = new Set(['service', 'services', 'check', 'checks']);

function sections(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const several = Array.isArray(value) && value.length > 0 && value.every(isObject) && !lists.has(key);
      return [key, several ? value.reduce(merge) : value];
    }),
  );
}

/** `service` and `check` join the lists, since a later file must not take their place. */
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

/** `b` is the later one. */
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
