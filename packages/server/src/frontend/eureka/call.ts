/** A request whose route and caller are known. */

import type { Exchange } from '../../net/frontend.ts';
import type { Caller } from '../../security/acl.ts';
import type { Route } from './routes.ts';

export interface Call {
  readonly exchange: Exchange;
  readonly route: Route;
  /** The parts of the path that stand for names, decoded. */
  readonly parts: readonly string[];
  readonly caller: Caller;
}
