/**
 * Finds the instances of MCP servers and agents that answer: those whose effective status gets traffic. It reads a frozen state in slices,
 * service by service, so that a page of a long list costs no more than the page.
 */

import { getsTraffic } from '@rollcall/protocol';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { instancesWithTagAt, servicesAt } from '../../registry/kind/catalog/services-at.ts';

/** An instance that answers. */
export interface Live {
  readonly row: InstanceRow;
  /** Its own, or its node's. */
  readonly address: string;
}

export interface Asked {
  readonly namespace: string;
  readonly tag: string;
  /** Whether the caller may read the service. */
  readonly mayRead: (service: string) => boolean;
}

/** Microseconds, about. */
const unitsPerInstance = 2;
const unitsPerService = 0.3;

/** The services with an instance that has the tag, in order. @param from names a service: only it and those after it */
export function* taggedServices(frozen: Frozen, pace: Pace, { namespace, tag, mayRead }: Asked, from = ''): Work<readonly string[]> {
  const found: string[] = [];
  for (const service of servicesAt(frozen, namespace)) {
    if (service >= from && instancesWithTagAt(frozen, { namespace, service, tag }) > 0 && mayRead(service)) found.push(service);
    if (pace.spend(unitsPerService)) yield;
  }
  return found;
}

/** The instances of a service with the tag that answer. */
export function* liveInstances(frozen: Frozen, pace: Pace, { namespace, tag }: Asked, service: string): Work<readonly Live[]> {
  const statusOf = statuses(frozen);
  const live: Live[] = [];
  // Rows of a bucket must be read in one turn.
  for (const row of [...instancesOfService(frozen, namespace, service)]) {
    if (row.tags.includes(tag) && getsTraffic(statusOf(row))) {
      const address = row.address || (row.node === '' ? '' : (findNode(frozen, row.node)?.address ?? ''));
      if (address !== '') live.push({ row, address });
    }
    if (pace.spend(unitsPerInstance)) yield;
  }
  return live;
}
