/** A session of the registry to the object of Consul's API (`api/session.go`, MPL-2.0). Pure. */

import type { RowOf } from '../../../registry/kinds.ts';
import { type JsonMap, kept, pick } from '../wire/foreign.ts';
import { durationText, nsPerMs } from '../wire/go-duration.ts';

export function sessionJson(row: RowOf<'session'>): JsonMap {
  const foreign = kept(row);
  const ttl = row.liveness === 'ttl' && row.ttlMs > 0 ? durationText(row.ttlMs) : '';
  return {
    ID: row.id,
    Name: row.name,
    Node: row.node,
    LockDelay: row.lockDelayMs * nsPerMs,
    Behavior: row.behavior,
    TTL: foreign['TTL'] ?? ttl,
    NodeChecks: foreign['NodeChecks'] ?? row.checks.map(({ id }) => id),
    ServiceChecks: foreign['ServiceChecks'] ?? null,
    ...pick(foreign, 'Checks'),
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}
