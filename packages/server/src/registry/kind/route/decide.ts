/** Decides the commands about routes. */

import { checkRoute, RegistryError, routeLimits } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { RouteDelete, RouteSet } from './commands.ts';
import { findRoute } from './find.ts';
import { routeKey } from './keys.ts';
import type { RouteRow } from './rows.ts';

/** @throws RegistryError `invalid_argument` for a route that no client could follow */
export function setRoute(draft: Draft, { namespace, service, route, cas }: RouteSet): boolean {
  const checked = checkRoute(route);
  if (!checked.ok) throw new RegistryError('invalid_argument', checked.message);
  const bytes = Buffer.byteLength(JSON.stringify(route));
  if (bytes > routeLimits.bytesMax) throw new RegistryError('invalid_argument', `the route of ${service} has ${bytes} bytes, the limit is ${routeLimits.bytesMax}`);
  const before = findRoute(draft, namespace, service);
  if (cas !== undefined && cas !== revisionOf(before)) return false;
  draft.put<RouteRow>({ kind: 'route', namespace, service, route, created: 0, modified: 0 });
  return true;
}

export function deleteRoute(draft: Draft, { namespace, service, cas }: RouteDelete): boolean {
  const before = findRoute(draft, namespace, service);
  if (before === undefined || (cas !== undefined && cas !== revisionOf(before))) return false;
  draft.delete(routeKey(namespace, service));
  return true;
}

/** A row written earlier in the same batch has no revision yet: nothing matches it. */
function revisionOf(row: RouteRow | undefined): number {
  return row === undefined ? 0 : row.modified === 0 ? -1 : row.modified;
}
