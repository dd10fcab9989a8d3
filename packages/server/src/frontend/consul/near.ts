/**
 * `?near`: rows in order of the round-trip time to a node, by stored network coordinates. As in Consul there is
 * no order when nothing is known of the node, and rows of unknown nodes come last, in the order that they had.
 */

import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../../net/agent-node.ts';
import type { Exchange, Identity } from '../../net/frontend.ts';
import { coordinateType, nearestFirst } from '../../registry/coordinate.ts';
import type { State } from '../../registry/state.ts';
import { viewOf } from '../../registry/view-name.ts';
import type { Params } from './params.ts';
import { agentOf } from './virtual-agent.ts';
import { headerOf } from './wire.ts';

export interface Near {
  /** What it adds to the name of a representation. */
  readonly name: string;
  /** The order depends on coordinates and on the nodes that have them; as in Consul their changes wake nobody. */
  readonly views: readonly string[];
  /** @param nodeOf name of the node of a row */
  sort<T>(state: State, rows: T[], nodeOf: (row: T) => string): T[];
}

export const anyOrder: Near = { name: '', views: [], sort: (_state, rows) => rows };

export function readNear(params: Params): Near {
  const near = params.get('near');
  if (near === '') return anyOrder;
  return {
    name: ` near ${JSON.stringify(near)}`,
    views: [viewOf.records(coordinateType), viewOf.nodes()],
    sort: (state, rows, nodeOf) => nearestFirst(state, near, rows, nodeOf) ?? rows,
  };
}

/** The query string, in which `near=_agent` names the caller's own node, so that answers can be kept for all. */
export function namedCaller({ request, query }: Exchange, identity: Identity): string {
  if (!query.includes('near=_agent')) return query;
  const { name } = agentOf(request, identity);
  return query.replace(/(^|&)near=_agent(?=&|$)/g, (_all, before: string) => `${before}near=${encodeURIComponent(name)}`);
}

/** Where a request comes from, as its proxy says; only for the order of answers. */
export function clientAddress(request: IncomingMessage): string {
  const forwarded = headerOf(request, 'x-forwarded-for')?.split(',')[0]?.trim();
  return plainAddress(forwarded || (request.socket.remoteAddress ?? ''));
}
