/** The status page: identity, counts, availability and liveness of the server, and its processes if it has workers. */

import type { LivenessStatus } from '@rollcall/protocol';
import { catalogBuckets } from '../../registry/kind/catalog/keys.ts';
import { sessionBuckets } from '../../registry/kind/session/keys.ts';
import type { Context } from '../../net/frontend.ts';
import { availability, countOf, type Counts, type NamespaceCounts } from './availability.ts';
import type { ProcessStatus } from './deps.ts';

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
  /** Of all processes together. */
  readonly liveness: LivenessStatus;
  /** Absent without workers. */
  readonly processes?: readonly ShownProcess[];
}

interface ShownProcess extends Omit<ProcessStatus, 'liveness'> {
  /** Leases that have lapsed in this process and wait. */
  readonly held: number;
}

export function statusPage({ identity, registry }: Context, processes: readonly ProcessStatus[], counts: Counts): StatusPage {
  const { state } = registry;
  const { byNamespace, ...all } = counts;
  return {
    version: identity.version,
    datacenter: identity.datacenter,
    registryId: identity.registryId,
    nodeName: identity.nodeName,
    nodeId: identity.nodeId,
    httpPort: identity.httpPort,
    ready: processes.every(({ ready }) => ready),
    revision: state.revision,
    counts: {
      ...all,
      checks: countOf(state, catalogBuckets.checks),
      sessions: countOf(state, sessionBuckets.all),
      kvKeys: state.sizeOf('kv'),
    },
    namespaces: byNamespace,
    availability: availability(counts),
    liveness: together(processes.map(({ liveness }) => liveness)),
    ...(processes.length < 2 ? {} : { processes: processes.map(({ liveness, ...rest }) => ({ ...rest, held: liveness.held })) }),
  };
}

/**
 * Each process holds the leases that it watches, so these are added up. All of them count what every process has lost, so the rest is that
 * of the process which holds most.
 */
function together(all: readonly LivenessStatus[]): LivenessStatus {
  const most = all.reduce((one, other) => (Number(other.frozen) - Number(one.frozen) || other.held - one.held) > 0 ? other : one);
  const kinds: Partial<Record<keyof NonNullable<LivenessStatus['kinds']>, number>> = {};
  for (const each of all) {
    for (const [kind, held] of Object.entries(each.kinds ?? {}) as [keyof typeof kinds, number][]) kinds[kind] = (kinds[kind] ?? 0) + held;
  }
  return { ...most, held: all.reduce((sum, { held }) => sum + held, 0), ...(most.kinds === undefined ? {} : { kinds }) };
}
