/** The load on zones that clients report to any node of the store (`all-nodes.ts`). Each node hears its own clients only (`clients/zone-loads.ts`). */

import { allNodes, type AllNodes, type NodesOptions } from './all-nodes.ts';
import type { ReportedLoads, ZoneLoads } from './clients/zone-loads.ts';

export function allLoads(nodes: NodesOptions, loads: ZoneLoads): AllNodes<object, ReportedLoads> {
  return allNodes<object, ReportedLoads>(nodes, {
    ...{ own: 'own-zone-loads', all: 'all-zone-loads', nothing: { loads: [], hearers: [], missing: [] } },
    ask: async () => loads.own(),
    join: (answers) => ({
      loads: answers.flatMap((answer) => answer.loads),
      hearers: answers.flatMap(({ hearers }) => hearers),
      missing: answers.flatMap(({ missing }) => missing),
    }),
    encode: (reported) => Buffer.from(JSON.stringify(reported)),
    decode: (body) => JSON.parse(body.toString()) as ReportedLoads,
    question: () => ({}),
  });
}
