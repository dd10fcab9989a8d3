/** The rows of routes: the rules for the requests to a service, which its clients follow. A service has one route at most. */

import type { Route } from '@rollcall/protocol';
import type { Revisions } from '../../row.ts';

export interface RouteRow extends Revisions {
  readonly kind: 'route';
  readonly namespace: string;
  /** The service need not exist. */
  readonly service: string;
  /** As `checkRoute` accepts it. A newer Rollcall may have written words that this one does not know. */
  readonly route: Route;
}
