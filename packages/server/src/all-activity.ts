/**
 * The activity of all nodes of the store (`all-nodes.ts`) as one list. Each node numbers its own lines, so a page ends at a place of each node. A worker
 * has no lines of its own: the primary writes them.
 */

import { RegistryError } from '@rollcall/protocol';
import { allNodes, type NodesOptions } from './all-nodes.ts';
import type { Methods } from './cluster/channel/peer.ts';
import type { ActivityLog, NodeLine, NodesPage } from './net/activity-log.ts';
import type { Activity, ActivityPage, ActivityQuery, ShownLine } from './security/activity.ts';

/** The answer of one node. */
interface NodePage extends ActivityPage {
  readonly nodeId: string;
  readonly node: string;
  readonly isLasting: boolean;
}

/** A query with the place of each node, by its id. */
type Asked = Omit<ActivityQuery, 'before'> & { readonly places?: Readonly<Record<string, string>> };

interface Pages {
  readonly pages: readonly NodePage[];
  readonly missing: readonly string[];
}

export interface OwnActivity {
  /** Of this process; undefined for a worker. */
  readonly activity: Activity | undefined;
  readonly nodeId: string;
  /** For people. */
  readonly nodeName: string;
}

export function allActivity(nodes: NodesOptions, { activity, nodeId, nodeName }: OwnActivity): ActivityLog & { readonly methods: Methods } {
  async function own({ places, ...query }: Asked): Promise<Pages> {
    const before = places?.[nodeId];
    // A page that goes on has nothing older of a node that it does not name.
    if (activity === undefined || (places !== undefined && before === undefined)) return { pages: [], missing: [] };
    const page = await activity.find({ ...query, ...(before === undefined ? {} : { before }) });
    return { pages: [{ nodeId, node: nodeName, isLasting: activity.isLasting, ...page }], missing: [] };
  }
  const all = allNodes<Asked, Pages>(nodes, {
    ...{ own: 'own-activity', all: 'all-activity' },
    ask: own,
    join: (answers) => ({ pages: answers.flatMap(({ pages }) => pages), missing: answers.flatMap(({ missing }) => missing) }),
    nothing: { pages: [], missing: [] },
    encode: (pages) => Buffer.from(JSON.stringify(pages)),
    decode: (body) => JSON.parse(body.toString()) as Pages,
    question: (body) => body as unknown as Asked,
  });
  return {
    async find({ before, ...query }) {
      const { pages, missing } = await all.ask({ ...query, ...(before === undefined ? {} : { places: placesIn(before) }) });
      return merged(pages, query, missing);
    },
    methods: all.methods,
  };
}

/**
 * The newest lines of all pages. A node that has looked back less far than others hides what they have from before that time: otherwise a later page
 * would have newer lines. Pure.
 */
function merged(pages: readonly NodePage[], { limit }: Pick<Asked, 'limit'>, missing: readonly string[]): NodesPage {
  const backToMs = Math.max(...pages.map(({ backToMs: each = -Infinity }) => each));
  const waiting = pages.map((page) => ({ page, taken: 0 }));
  const lines: NodeLine[] = [];
  while (lines.length < limit) {
    const newest = waiting.reduce<(typeof waiting)[number] | undefined>((best, each) => {
      const line = each.page.lines[each.taken];
      if (line === undefined || Date.parse(line.time) < backToMs) return best;
      const other = best?.page.lines[best.taken];
      return other === undefined || line.time > other.time ? each : best;
    }, undefined);
    if (newest === undefined) break;
    const { cursor: _, ...line } = newest.page.lines[newest.taken++] as ShownLine;
    lines.push({ node: newest.page.node, ...line });
  }
  const places = Object.fromEntries(waiting.flatMap(({ page, taken }) => {
    const place = placeAfter(page, taken);
    return place === undefined ? [] : [[page.nodeId, place]];
  }));
  return {
    lines,
    ...(Object.keys(places).length === 0 ? {} : { cursor: Buffer.from(JSON.stringify(places)).toString('base64url') }),
    ...(Number.isFinite(backToMs) ? { backToMs } : {}),
    nodes: pages.map(({ node, isLasting }) => ({ node, isLasting })),
    missing,
  };
}

/** Where the next page of a node begins; undefined when there is nothing older. */
function placeAfter({ lines, cursor }: NodePage, taken: number): string | undefined {
  if (taken === lines.length) return cursor;
  const last = lines[taken - 1];
  return last === undefined ? String((lines[0] as ShownLine).seq + 1) : last.cursor;
}

/** Nodes in a cursor. */
const placesMax = 1_000;

/** @throws RegistryError `invalid_argument` */
function placesIn(cursor: string): Readonly<Record<string, string>> {
  try {
    const places = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown;
    if (typeof places === 'object' && places !== null && !Array.isArray(places)) {
      const entries = Object.entries(places);
      if (entries.length <= placesMax && entries.every(([, place]) => typeof place === 'string' && place.length < 40)) return Object.fromEntries(entries as [string, string][]);
    }
  } catch {}
  throw new RegistryError('invalid_argument', `the cursor ${JSON.stringify(cursor.slice(0, 80))} is not of this list`);
}
