/** Which clients of any node do not use the release that they were given (`all-nodes.ts`). Each node counts its own readers (`configurations/readers.ts`). */

import { allNodes, type AllNodes, type NodesOptions } from './all-nodes.ts';
import { joinDrift, type Drift, type Readers } from './configurations/readers.ts';
import { inTurns } from './in-turns.ts';

/** A step looks at one reader. */
const stepsPerTurn = 2_048;

export function allDrift(nodes: NodesOptions, readers: Readers): AllNodes<{ readonly namespace: string }, Drift> {
  return allNodes(nodes, {
    ...{ own: 'own-drift', all: 'all-drift' },
    ask: ({ namespace }) => inTurns(readers.drift(namespace), stepsPerTurn),
    join: joinDrift,
    nothing: { late: [], missing: [] },
    encode: (drift) => Buffer.from(JSON.stringify(drift)),
    decode: (body) => JSON.parse(body.toString()) as Drift,
    question: ({ namespace }) => ({ namespace: String(namespace) }),
  });
}
