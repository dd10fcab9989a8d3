/** Translates rows into the items that clients see of them. Pure. */

import type { Instance, InstanceStatus, KvItem, LockHolder, RouteEntry } from '@rollcall/protocol';
import { weightOf } from '../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import { tokenOf, type HolderRow } from '../../registry/kind/lock/rows.ts';
import type { RouteRow } from '../../registry/kind/route/rows.ts';

export function toInstance(row: InstanceRow, node: NodeRow | undefined, status: InstanceStatus): Instance {
  return {
    id: row.id,
    service: row.service,
    node: row.node,
    address: row.address === '' ? (node?.address ?? '') : row.address,
    port: row.port,
    ...(row.scheme === undefined ? {} : { scheme: row.scheme }),
    ...(row.ports === undefined ? {} : { ports: row.ports }),
    ...(row.zone === undefined ? {} : { zone: row.zone }),
    ...(row.region === undefined ? {} : { region: row.region }),
    ...(row.cluster === undefined ? {} : { cluster: row.cluster }),
    tags: row.tags,
    meta: row.meta,
    weight: weightOf(row, status),
    status,
  };
}

export function toKvItem({ key, value, flags, modified, session }: KvRow): KvItem {
  return {
    key,
    value: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64'),
    flags: flags.toString(),
    revision: modified,
    ...(session === undefined ? {} : { session }),
  };
}

export function toRouteEntry({ service, route }: RouteRow): RouteEntry {
  return { service, route };
}

export function toLockHolder(row: HolderRow): LockHolder {
  return {
    contender: row.id,
    token: String(tokenOf(row)),
    ...(row.shared === undefined ? {} : { shared: row.shared }),
    ...(row.gotMs === undefined ? {} : { sinceMs: row.gotMs }),
    ...(row.value === undefined ? {} : { value: row.value }),
  };
}
