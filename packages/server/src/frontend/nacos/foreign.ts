/** Fields of Nacos for which Rollcall has no field are in a row's `foreign.nacos`. Only this front end shows them. */

import type { Foreign, Json } from '../../registry/row.ts';

export type JsonMap = { readonly [key: string]: Json };

export function kept({ foreign }: { readonly foreign?: Foreign }): JsonMap {
  const own = foreign?.['nacos'];
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as JsonMap) : {};
}

/** An empty object when no field is set, so that equal rows stay equal. */
export function keep(fields: Readonly<Record<string, Json | undefined>>): { foreign?: Foreign } {
  const set = Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return set.length === 0 ? {} : { foreign: { nacos: Object.fromEntries(set) } };
}

/** An address with a port, as in a URL. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
