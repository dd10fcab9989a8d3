/** What a topology draws: a node for each service and each client without one, and an arrow for each use. Pure. */

import type { TopologyEdge } from '@rollcall/protocol';

/** What the colour of a service is made of. */
export interface Health {
  readonly service: string;
  readonly instances: number;
  readonly passing: number;
  readonly warning: number;
}

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly kind: 'service' | 'client';
  /** For its colour; `unknown` for a client, and for a service of another namespace. */
  readonly health: 'good' | 'some' | 'none' | 'unknown';
}

export interface GraphEdge extends TopologyEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Edges that are drawn; the table has all. More make a drawing that shows nothing. */
export const drawnMax = 300;

/** @param namespace whose services are meant by a name alone */
export function graphOf(edges: readonly TopologyEdge[], services: readonly Health[], namespace: string): Graph {
  const health = new Map(services.map((each) => [each.service, each]));
  const nodes = new Map<string, GraphNode>();
  const node = (kind: GraphNode['kind'], of: string, name: string): string => {
    const id = `${kind} ${of} ${name}`;
    if (!nodes.has(id)) nodes.set(id, { id, kind, name: of === namespace ? name : `${name} (${of})`, health: kind === 'service' && of === namespace ? healthOf(health.get(name)) : 'unknown' });
    return id;
  };
  const drawn = edges.map((edge): GraphEdge => {
    const source = node(edge.fromKind, edge.fromNamespace, edge.from);
    const target = node('service', edge.toNamespace, edge.to);
    return { ...edge, id: `${source} > ${target}`, source, target };
  });
  return { nodes: [...nodes.values()], edges: drawn };
}

/** The busiest part of a graph that a drawing can show. */
export function drawnPart({ nodes, edges }: Graph): Graph {
  if (edges.length <= drawnMax) return { nodes, edges };
  const busiest = edges.toSorted((a, b) => b.picksPerSecond - a.picksPerSecond || b.watches - a.watches || (a.id < b.id ? -1 : 1)).slice(0, drawnMax);
  const used = new Set(busiest.flatMap(({ source, target }) => [source, target]));
  return { nodes: nodes.filter(({ id }) => used.has(id)), edges: busiest };
}

/** Width of an arrow in pixels: one more for ten times the requests. */
export function widthOf({ picksPerSecond }: Pick<TopologyEdge, 'picksPerSecond'>): number {
  return picksPerSecond === 0 ? 1 : Math.min(8, 2 + Math.max(0, 1 + Math.log10(picksPerSecond)));
}

/** Whether so many requests fail that the arrow is red: one in a hundred. */
export function isFailing({ picksPerSecond, failuresPerSecond }: Pick<TopologyEdge, 'picksPerSecond' | 'failuresPerSecond'>): boolean {
  return failuresPerSecond > 0 && failuresPerSecond >= picksPerSecond / 100;
}

function healthOf(service: Health | undefined): GraphNode['health'] {
  if (service === undefined || service.instances === 0) return 'none';
  const serving = service.passing + service.warning;
  return serving === 0 ? 'none' : serving < service.instances ? 'some' : 'good';
}
