/** The status page: identity, counts, availability and liveness of the server. */

import { catalogBuckets } from '../../registry/kind/catalog/keys.ts';
import { sessionBuckets } from '../../registry/kind/session/keys.ts';
import type { Context } from '../../net/frontend.ts';
import { availability, countOf, type Counts, type NamespaceCounts } from './availability.ts';
import type { AdminDeps, LivenessStatus } from './deps.ts';

export interface StatusPage {
  readonly version: string;
  readonly datacenter: string;
  /** Names the store. */
  readonly registryId: string;
  readonly nodeName: string;
  readonly nodeId: string;
  readonly httpPort: number;
  readonly ready: boolean;
  /** Revision of the newest applied change. */
  readonly revision: number;
  readonly counts: Omit<Counts, 'byNamespace'> & { readonly checks: number; readonly sessions: number; readonly kvKeys: number };
  /** The largest first, the others as one with an empty name (`availability.ts`). */
  readonly namespaces: readonly NamespaceCounts[];
  readonly availability: number;
  readonly liveness: LivenessStatus;
}

export function statusPage({ identity, registry }: Context, deps: AdminDeps, counts: Counts): StatusPage {
  const { state } = registry;
  const { byNamespace, ...all } = counts;
  return {
    version: identity.version,
    datacenter: identity.datacenter,
    registryId: identity.registryId,
    nodeName: identity.nodeName,
    nodeId: identity.nodeId,
    httpPort: identity.httpPort,
    ready: deps.notReady() === undefined,
    revision: state.revision,
    counts: {
      ...all,
      checks: countOf(state, catalogBuckets.checks),
      sessions: countOf(state, sessionBuckets.all),
      kvKeys: state.sizeOf('kv'),
    },
    namespaces: byNamespace,
    availability: availability(counts),
    liveness: deps.livenessStatus(),
  };
}
