/** The commands about routes, and their limits. */

import type { Route } from '@rollcall/protocol';

/** Routes of one namespace; the front end refuses more. Limits of one route are in `@rollcall/protocol`, since clients check them, too. */
export const routesMax = 10_000;

/** Sets the whole route of a service; false when `cas` does not hold. */
export interface RouteSet {
  readonly kind: 'route-set';
  readonly namespace: string;
  readonly service: string;
  readonly route: Route;
  /** Revision of the route that it replaces; 0: there must be none. */
  readonly cas?: number;
}

/** False when there is no route, or `cas` does not hold. */
export interface RouteDelete {
  readonly kind: 'route-delete';
  readonly namespace: string;
  readonly service: string;
  readonly cas?: number;
}
