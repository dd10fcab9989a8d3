/** Finds routes. */

import type { Indexed, Lookup } from '../../room.ts';
import { routeBuckets, routeKey } from './keys.ts';
import type { RouteRow } from './rows.ts';

export function findRoute(reader: Lookup, namespace: string, service: string): RouteRow | undefined {
  return reader.get(routeKey(namespace, service)) as RouteRow | undefined;
}

/** In no particular order. */
export function routesIn(reader: Lookup, namespace: string): Iterable<RouteRow> {
  return reader.bucket(routeBuckets.all(namespace)) as Iterable<RouteRow>;
}

export function countRoutes(reader: Pick<Indexed, 'bucketSize'>, namespace: string): number {
  return reader.bucketSize(routeBuckets.all(namespace));
}
