/**
 * Fields of Consul for which Rollcall has no field are stored in a row's `foreign.consul`, in Consul's spelling. Only this
 * front end returns them.
 */

import type { Foreign, Json } from '../../../registry/row.ts';

export type JsonMap = { readonly [key: string]: Json };

export const nothing: JsonMap = {};

/** The fields that this protocol stores in a row. */
export function kept(row: { readonly foreign?: Foreign }): JsonMap {
  const own = row.foreign?.['consul'];
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as JsonMap) : nothing;
}

/** An empty object when no field is set, so that equal rows stay equal. */
export function keep(fields: Record<string, Json | undefined>): { foreign?: Foreign } {
  const consul = Object.create(null) as Record<string, Json>;
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) consul[name] = value;
  return Object.keys(consul).length === 0 ? {} : { foreign: { consul } };
}

export function pick(from: JsonMap, ...names: readonly string[]): JsonMap {
  const picked: Record<string, Json> = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
