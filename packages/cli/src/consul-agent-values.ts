/** Reads values of Consul's configuration: each has the right type, or an error names the setting. */

import { usage } from './failure.ts';

export type Values = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names are paths: `ports.http`. Undefined when the value is missing, null or an empty text. */
export function at(values: Values, path: string): unknown {
  let value: unknown = values;
  for (const key of path.split('.')) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value === null || value === '' ? undefined : value;
}

/** @throws CommandFailure `usage` */
export function text(values: Values, path: string): string | undefined {
  const value = at(values, path);
  if (value === undefined || typeof value === 'string') return value;
  throw usage(`${path} must be a string, not ${JSON.stringify(value)}`);
}

/** @throws CommandFailure `usage` */
export function flag(values: Values, path: string): boolean | undefined {
  const value = at(values, path);
  if (value === undefined || typeof value === 'boolean') return value;
  // HCL and flags have them as text, too.
  if (value === 'true' || value === 'false') return value === 'true';
  throw usage(`${path} must be true or false, not ${JSON.stringify(value)}`);
}

/** A single text is a list of one. @throws CommandFailure `usage` */
export function texts(values: Values, path: string): readonly string[] {
  const value = at(values, path) ?? [];
  const all = Array.isArray(value) ? (value as unknown[]) : [value];
  const wrong = all.find((each) => typeof each !== 'string');
  if (wrong !== undefined) throw usage(`${path} must be a list of strings, not ${JSON.stringify(value)}`);
  return all as string[];
}

/** @throws CommandFailure `usage` */
export function textMap(values: Values, path: string): Readonly<Record<string, string>> | undefined {
  const value = at(values, path);
  if (value === undefined) return undefined;
  if (isObject(value) && Object.values(value).every((each) => typeof each === 'string')) return value as Record<string, string>;
  throw usage(`${path} must be an object of strings, not ${JSON.stringify(value)}`);
}

/** Undefined when it is missing; `off` for -1, Consul's value for that. @throws CommandFailure `usage` */
export function port(values: Values, path: string): number | 'off' | undefined {
  const value = at(values, path);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (number === -1) return 'off';
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw usage(`${JSON.stringify(value)} is no port for ${path}: use 0 to 65535, or -1 for off`);
}
