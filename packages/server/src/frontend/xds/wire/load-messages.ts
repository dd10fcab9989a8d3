/** Load reports of clients, from bytes. */

import { decode } from './any.ts';
import { readNode, type NodeInfo } from './messages.ts';

export interface LocalityLoad {
  readonly region: string;
  readonly zone: string;
  /** Requests that have ended since the last report. */
  readonly succeeded: number;
  readonly failed: number;
  /** Requests under way. */
  readonly inProgress: number;
}

export interface ClusterLoad {
  readonly name: string;
  /** Requests that the client did not send. */
  readonly dropped: number;
  readonly localities: readonly LocalityLoad[];
}

/** A number of 64 bits, as protobufjs reads it. */
type Long = number | { toNumber(): number } | undefined;

interface WireRequest {
  readonly node?: Parameters<typeof readNode>[0];
  readonly cluster_stats?: readonly {
    readonly cluster_name?: string;
    readonly total_dropped_requests?: Long;
    readonly upstream_locality_stats?: readonly {
      readonly locality?: { readonly region?: string; readonly zone?: string } | null;
      readonly total_successful_requests?: Long;
      readonly total_requests_in_progress?: Long;
      readonly total_error_requests?: Long;
    }[];
  }[];
}

/** @throws Error when the bytes are no report */
export function decodeLoadRequest(bytes: Buffer): { readonly node: NodeInfo | undefined; readonly clusters: readonly ClusterLoad[] } {
  const { node, cluster_stats = [] } = decode('LoadStatsRequest', bytes) as WireRequest;
  return {
    node: readNode(node),
    clusters: cluster_stats.map(({ cluster_name = '', total_dropped_requests, upstream_locality_stats = [] }) => ({
      name: cluster_name,
      dropped: numberOf(total_dropped_requests),
      localities: upstream_locality_stats.map(({ locality, ...counts }) => ({
        ...{ region: locality?.region ?? '', zone: locality?.zone ?? '' },
        ...{ succeeded: numberOf(counts.total_successful_requests), failed: numberOf(counts.total_error_requests), inProgress: numberOf(counts.total_requests_in_progress) },
      })),
    })),
  };
}

/** No client has had more requests than this: a larger number is a mistake, and must not spoil the sum. */
const countMax = 1_000_000_000;

function numberOf(value: Long): number {
  const count = typeof value === 'number' ? value : (value?.toNumber() ?? 0);
  return Math.min(Math.max(0, count), countMax);
}
