/** Who reads a configuration through any node of the store (`all-nodes.ts`). Each node knows its own readers only (`configurations/readers.ts`). */

import { allNodes, type AllNodes, type NodesOptions } from './all-nodes.ts';
import { readersMax, type Readers, type Who } from './configurations/readers.ts';
import type { ConfigName } from './registry/kind/config/resolve.ts';

/** @param nodeName of this node, for people */
export function allReaders(nodes: NodesOptions, readers: Readers, nodeName: string): AllNodes<ConfigName, Who> {
  return allNodes(nodes, {
    ...{ own: 'config-readers', all: 'config-who' },
    ask: async (name) => readers.who(name, nodeName),
    join: joined,
    nothing: { readers: [], count: 0, missing: [] },
    encode: (who) => Buffer.from(JSON.stringify(who)),
    decode: (body) => JSON.parse(body.toString()) as Who,
    question: ({ namespace, app, name }) => ({ namespace: String(namespace), app: String(app), name: String(name) }),
  });
}

function joined(all: readonly Who[]): Who {
  return {
    readers: all.flatMap(({ readers }) => readers).slice(0, readersMax),
    count: all.reduce((sum, { count }) => sum + count, 0),
    missing: all.flatMap(({ missing }) => missing),
  };
}
