/**
 * An operator's word that lapsed leases are lost, on all processes of the store (`all-nodes.ts`): each has its own freeze, and lets its own leases expire. A process that
 * does not answer keeps its freeze, and is named, so that the operator can say it again.
 */

import type { ExpiryOverride } from '@rollcall/protocol';
import { allNodes, type NodesOptions } from './all-nodes.ts';
import type { Methods } from './cluster/channel/peer.ts';

const nothing: ExpiryOverride = { expired: 0, missing: [] };

/** @param own lets the lapsed leases of this process expire @returns their number */
export function allOverrides(nodes: NodesOptions, own: () => number): { readonly override: () => Promise<ExpiryOverride>; readonly methods: Methods } {
  const all = allNodes<object, ExpiryOverride>(nodes, {
    ...{ own: 'override-own-freeze', all: 'override-all-freezes', nothing },
    ask: async () => ({ expired: own(), missing: [] }),
    join: (answers) => ({ expired: answers.reduce((sum, { expired }) => sum + expired, 0), missing: answers.flatMap(({ missing }) => missing) }),
    encode: (answer) => Buffer.from(JSON.stringify(answer)),
    decode: (body) => JSON.parse(body.toString()) as ExpiryOverride,
    question: () => ({}),
  });
  return { override: () => all.ask({}), methods: all.methods };
}
