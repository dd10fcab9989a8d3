/**
 * The endpoints that one client gets of a service whose route has a subset, since clients of xDS cannot choose them: by the function of
 * Rollcall's own client, with a number of the client (`reader.ts`). Pure.
 *
 *   endpoints ─► canary or not ─► region or zone of the client, the rest ─► `size` of each
 *
 * Those at each distance have a subset of their own. A client would otherwise have few endpoints of its own region, and send the rest of its
 * requests away.
 */

import { subsetOf } from '@rollcall/protocol';
import { distance } from './assignment.ts';
import { localityOf, type Endpoint, type Locality } from './endpoints.ts';
import type { Reader } from './reader.ts';

/** How many endpoints there are, of any status. */
export function countOf(localities: readonly Locality[]): number {
  return localities.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
}

/** @param size of the subset of the route */
export function subsetFor(localities: readonly Locality[], size: number, { ordinal, place }: Reader): readonly Locality[] {
  const parts = new Map<string, Endpoint[]>();
  for (const locality of localities) {
    for (const endpoint of locality.endpoints) {
      const name = `${endpoint.isCanary}\0${distance(locality, place)}`;
      const part = parts.get(name);
      if (part === undefined) parts.set(name, [endpoint]);
      else part.push(endpoint);
    }
  }
  const chosen = new Set<Endpoint>();
  for (const part of parts.values()) {
    const indices = subsetOf(part.map(({ key }) => key), ordinal, size, (index) => part[index]?.isReady === true);
    for (const index of indices) chosen.add(part[index] as Endpoint);
  }
  return localities.map((locality) => localityOf(locality, locality.endpoints.filter((endpoint) => chosen.has(endpoint)))).filter(({ endpoints }) => endpoints.length > 0);
}
