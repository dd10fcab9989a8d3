/**
 * `?near`: rows in order of the round-trip time to a node, by stored network coordinates. As in Consul there is
 * no order when nothing is known of the node, and rows of unknown nodes come last, in the order that they had.
 */

import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../../../net/agent-node.ts';
import type { Exchange, Identity } from '../../../net/frontend.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { bySeconds, coordinateType, distancesFrom } from '../../../registry/kind/coordinate/coordinate.ts';
import type { Reader } from '../../../registry/reader.ts';
import { noNamespace } from '../../../registry/rows.ts';
import { viewOf } from '../../../registry/view-name.ts';
import { agentOf } from '../request/virtual-agent.ts';
import type { Params } from '../wire/params.ts';
import { headerOf } from '../wire/responses.ts';
import { inOrder } from '../wire/slices.ts';

export interface Near {
  /** The part of a representation's name that says the order. */
  readonly name: string;
  /** The order depends on coordinates and on the nodes that have them; as in Consul their changes wake no query. */
  readonly views: readonly string[];
  /** @param nodeOf name of the node of a row */
  sort<T>(state: Reader, rows: T[], nodeOf: (row: T) => string, pace: Pace): Work<T[]>;
}

/** The cost of finding the coordinate of a node and the distance to it. */
const unitsPerDistance = 1;

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
    views: [viewOf.records(noNamespace, coordinateType), viewOf.nodes()],
    sort: (state, rows, nodeOf, pace) => nearestFirst(state, near, rows, nodeOf, pace),
  };
}

/** Rows in order of the distance of their nodes from `source`; unchanged when `source` has no coordinate. */
export function* nearestFirst<T>(
  state: Reader,
  source: string,
  rows: T[],
  nodeOf: (row: T) => string,
  pace: Pace,
): Work<T[]> {
  const distance = distancesFrom(state, source);
  if (distance === undefined) return rows;
  const placed: { readonly row: T; readonly seconds: number }[] = [];
  for (const row of rows) {
    placed.push({ row, seconds: distance(nodeOf(row)) });
    if (pace.spend(unitsPerDistance)) yield;
  }
  const sorted = yield* inOrder(placed, bySeconds, pace);
  return sorted.map(({ row }) => row);
}

/** The query string, in which `near=_agent` names the caller's own node, so that answers can be kept for all. */
export function namedCaller({ request, query }: Exchange, identity: Identity): string {
  if (!query.includes('near=_agent')) return query;
  const { name } = agentOf(request, identity);
  return query.replace(/(^|&)near=_agent(?=&|$)/g, (_all, before: string) => `${before}near=${encodeURIComponent(name)}`);
}

/** The address of the client, as its proxy reports it; only for the order of answers. */
export function clientAddress(request: IncomingMessage): string {
  const forwarded = headerOf(request, 'x-forwarded-for')?.split(',')[0]?.trim();
  return plainAddress(forwarded || (request.socket.remoteAddress ?? ''));
}
