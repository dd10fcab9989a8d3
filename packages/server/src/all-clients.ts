/** The clients of all nodes of the store, and their edges (`all-nodes.ts`). Each node knows its own clients only (`clients/`). */

import { allNodes, type NodesOptions } from './all-nodes.ts';
import type { AllNodesClients, Clients } from './clients/clients.ts';
import { joinLastFollowers, type FollowedQuestion, type LastFollower } from './clients/last-follower.ts';
import { decodeLines, decodePastLines, encodeLines, joinLines, joinPastLines, linesMax, type ClientsQuestion, type Lines, type PastLines } from './clients/question.ts';
import type { Methods } from './cluster/channel/peer.ts';

const nothing: Lines = { lines: [], count: 0, missing: [] };
/** Undefined: a node does not know, or has not answered. */
interface LastFollowerOfAll {
  readonly known: LastFollower | undefined;
  readonly missing: readonly string[];
}

const form = { nothing, encode: encodeLines, decode: decodeLines };

export function allClients(nodes: NodesOptions, clients: Clients): AllNodesClients & { readonly methods: Methods } {
  const found = allNodes<ClientsQuestion, Lines>(nodes, {
    ...{ own: 'own-clients', all: 'all-clients', ...form },
    ask: (question) => clients.findOwn(question),
    join: (all, { limit }) => joinLines(all, limit),
    question: questionIn,
  });
  const past = { nothing: { ...nothing, knew: 0, unknown: [] }, encode: encodeLines, decode: decodePastLines };
  const foundThen = allNodes<ClientsQuestion & { readonly atMs: number }, PastLines>(nodes, {
    // Other methods than those of now: a node of an older version must not answer with what it knows now.
    ...{ own: 'own-past-clients', all: 'all-past-clients', ...past },
    ask: ({ atMs, ...question }) => clients.history.find(question, atMs),
    join: (all, { limit }) => joinPastLines(all, limit),
    question: (body) => ({ ...questionIn(body), atMs: Number(body['atMs']) }),
  });
  const edgesThen = allNodes<{ readonly namespace: string; readonly atMs: number }, PastLines>(nodes, {
    ...{ own: 'own-past-topology', all: 'all-past-topology', ...past },
    ask: ({ namespace, atMs }) => clients.history.topology(namespace, atMs),
    join: (all) => joinPastLines(all, linesMax),
    question: ({ namespace, atMs }) => ({ namespace: String(namespace), atMs: Number(atMs) }),
  });
  const edges = allNodes<{ readonly namespace: string }, Lines>(nodes, {
    ...{ own: 'own-topology', all: 'all-topology', ...form },
    ask: ({ namespace }) => clients.ownTopology(namespace),
    join: (all) => joinLines(all, linesMax),
    question: ({ namespace }) => ({ namespace: String(namespace) }),
  });
  const lastFollower = allNodes<FollowedQuestion, LastFollowerOfAll>(nodes, {
    ...{ own: 'own-last-follower', all: 'all-last-follower', nothing: { known: undefined, missing: [] } },
    ask: async (question) => ({ known: await clients.history.lastFollower(question), missing: [] }),
    join: (all) => {
      const known = all.flatMap((each) => each.known ?? []);
      return { known: known.length < all.length ? undefined : joinLastFollowers(known), missing: all.flatMap(({ missing }) => missing) };
    },
    encode: (answer) => Buffer.from(JSON.stringify(answer)),
    decode: (body) => JSON.parse(body.toString()) as LastFollowerOfAll,
    question: ({ namespace, config }) => ({ namespace: String(namespace), config: String(config) }),
  });
  return {
    lastFollower: async (question) => (await lastFollower.ask(question)).known,
    find: (question) => found.ask(question),
    topology: (namespace) => edges.ask({ namespace }),
    findAsOf: (question, atMs) => foundThen.ask({ ...question, atMs }),
    topologyAsOf: (namespace, atMs) => edgesThen.ask({ namespace, atMs }),
    methods: { ...found.methods, ...edges.methods, ...foundThen.methods, ...edgesThen.methods, ...lastFollower.methods },
  };
}

function questionIn({ namespace, service, config, text, limit }: Readonly<Record<string, unknown>>): ClientsQuestion {
  return {
    ...{ namespace: String(namespace), limit: Number(limit) },
    ...(typeof service === 'string' ? { service } : {}),
    ...(typeof config === 'string' ? { config } : {}),
    ...(typeof text === 'string' ? { text } : {}),
  };
}
