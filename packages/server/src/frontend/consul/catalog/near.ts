/**
 * `?near`: sorts rows by the round-trip time to a node, from stored network coordinates. As in Consul, it does not sort
 * if the node has no coordinate; rows of nodes without one come last, in their former order.
 */

import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../../../net/agent-node.ts';
import type { Exchange, Identity } from '../../../net/frontend.ts';
import { nearestFirst } from '../../../net/nearest-first.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { coordinatesView } from '../../../registry/kind/coordinate/views.ts';
import type { Reader } from '../../../registry/reader.ts';
import { nodesView } from '../../../registry/kind/catalog/views.ts';
import { agentOf } from '../request/virtual-agent.ts';
import type { Params } from '../wire/params.ts';
import { headerOf } from '../wire/responses.ts';

export interface Near {
  /** Identifies the order in the name of a representation. */
  readonly name: string;
  /** The views of coordinates and of their nodes. The order depends on them, but as in Consul their changes wake no query. */
  readonly views: readonly string[];
  /** @param nodeOf name of the node of a row */
  sort<T>(state: Reader, rows: T[], nodeOf: (row: T) => string, pace: Pace): Work<T[]>;
}

const anyOrder: Near = { name: '', views: [], sort: asTheyAre };

// oxlint-disable-next-line require-yield -- nothing to do
function* asTheyAre<T>(_state: Reader, rows: T[]): Work<T[]> {
  return rows;
}

export function readNear(params: Params): Near {
  const near = params.get('near');
  if (near === '') return anyOrder;
  return {
    name: ` near ${JSON.stringify(near)}`,
    views: [coordinatesView(), nodesView()],
    *sort(state, rows, nodeOf, pace) {
      return (yield* nearestFirst(state, near, rows, nodeOf, pace)) ?? rows;
    },
  };
}

/** The query string with the caller's node in place of `near=_agent`, so that answers can be cached for all callers. */
export function namedCaller({ request, query }: Exchange, identity: Identity): string {
  if (!query.includes('near=_agent')) return query;
  const { name } = agentOf(request, identity);
  return query.replace(/(^|&)near=_agent(?=&|$)/g, (_all, before: string) => `${before}near=${encodeURIComponent(name)}`);
}

/** The address of the client, as reported by its proxy. Use it only for the order of answers. */
export function clientAddress(request: IncomingMessage): string {
  const forwarded = headerOf(request, 'x-forwarded-for')?.split(',')[0]?.trim();
  return plainAddress(forwarded || (request.socket.remoteAddress ?? ''));
}
