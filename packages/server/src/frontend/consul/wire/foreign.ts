/**
 * Fields of Consul for which Rollcall has no field are stored in a row's `foreign.consul`, in Consul's spelling. Only this
 * front end returns them.
 */

import { BareObject } from '../../../net/bare-object.ts';
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
  let consul: Record<string, Json> | undefined;
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) (consul ??= new BareObject() as Record<string, Json>)[name] = value;
  }
  return consul === undefined ? {} : { foreign: { consul } };
}

export function pick(from: JsonMap, ...names: readonly string[]): JsonMap {
  const picked: Record<string, Json> = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
