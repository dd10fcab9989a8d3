/** What each process of the store says of itself, for operators (`all-nodes.ts`). The rows of members say who they are; this says how they are. */

import type { NodeFacts } from '@rollcall/protocol';
import { allNodes, type AllNodes, type NodesOptions } from './all-nodes.ts';

export interface Facts {
  readonly facts: readonly NodeFacts[];
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

/** Without the id of the process, which the channel knows. */
export type OwnFacts = Omit<NodeFacts, 'nodeId'>;

const nothing: Facts = { facts: [], missing: [] };

/** @param own of this process, asked each time */
export function allFacts(nodes: NodesOptions, own: () => NodeFacts): AllNodes<object, Facts> {
  return allNodes<object, Facts>(nodes, {
    ...{ own: 'own-facts', all: 'all-facts', nothing },
    ask: async () => ({ facts: [own()], missing: [] }),
    join: (answers) => ({ facts: answers.flatMap(({ facts }) => facts), missing: answers.flatMap(({ missing }) => missing) }),
    encode: (facts) => Buffer.from(JSON.stringify(facts)),
    decode: (body) => JSON.parse(body.toString()) as Facts,
    question: () => ({}),
  });
}
