/** Sets a watch for a client, up to its limit. */

import { errorCodes } from '../../../jute/codes.ts';
import { ZookeeperError } from '../errors.ts';
import { watchedPathsMax } from '../limits.ts';
import type { Call } from '../requests/request.ts';
import type { WatchKind } from './watch-table.ts';

/** @throws ZookeeperError */
export function addWatch({ watches, client }: Pick<Call, 'watches' | 'client'>, path: string, kind: WatchKind): void {
  if (watches.countOf(client) >= watchedPathsMax && !watches.has(path, client, [kind])) {
    throw new ZookeeperError(errorCodes.badArguments, 'resource_exhausted', `the session watches ${watchedPathsMax} paths, which is the limit; use more sessions`);
  }
  watches.add(path, client, kind);
}
