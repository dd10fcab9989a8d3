/**
 * Who is connected, and who uses which service, now or as of a past time: the port through which front ends add their clients and lists ask for those of
 * all nodes. It is as true as the connections are. Rights are the business of those who show an answer.
 */

import type { Clock } from '../clock.ts';
import { inTurns } from '../in-turns.ts';
import { ClientHistory } from './client-history.ts';
import type { ClientSource } from './client.ts';
import { Edges } from './edges.ts';
import type { LookFiles } from './look-files.ts';
import { OwnClients, type OwnClientsOptions } from './own-clients.ts';
import type { FollowedQuestion, LastFollower } from './last-follower.ts';
import type { ClientsQuestion, Lines, PastLines } from './question.ts';

/** A step looks at a client or at some of its watches: some 5 µs each. */
const stepsPerTurn = 512;

/** How all nodes of the store are asked. */
export interface AllNodesClients {
  find(question: ClientsQuestion): Promise<Lines>;
  topology(namespace: string): Promise<Lines>;
  /** @param atMs in milliseconds since the Unix epoch */
  findAsOf(question: ClientsQuestion, atMs: number): Promise<PastLines>;
  topologyAsOf(namespace: string, atMs: number): Promise<PastLines>;
  /** Undefined when a node does not know, or has not answered. */
  lastFollower(question: FollowedQuestion): Promise<LastFollower | undefined>;
}

export interface ClientsOptions extends OwnClientsOptions {
  readonly clock: Clock;
  /** Most characters of what is remembered of clients, and of edges; 0: nothing. */
  readonly historyCharactersMax: number;
  /** Where it survives the process; undefined: in memory alone. */
  readonly historyFiles?: LookFiles | undefined;
}

export class Clients {
  readonly #own: OwnClients;
  /** Of this node. */
  readonly history: ClientHistory;
  #all: AllNodesClients;

  constructor({ clock, historyCharactersMax: charactersMax, historyFiles: files, ...options }: ClientsOptions) {
    this.#own = new OwnClients(options);
    this.history = new ClientHistory({ own: this.#own, nodeName: options.nodeName, clock, charactersMax, files });
    this.#all = {
      find: (question) => this.findOwn(question),
      topology: (namespace) => this.ownTopology(namespace),
      findAsOf: (question, atMs) => this.history.find(question, atMs),
      topologyAsOf: (namespace, atMs) => this.history.topology(namespace, atMs),
      lastFollower: (question) => this.history.lastFollower(question),
    };
  }

  /** Adds the clients of a front end, once for each front end; the source is read whenever a list is asked for. */
  add(source: ClientSource): void {
    this.#own.add(source);
  }

  /** Tells how the clients of all nodes are found; until then those of this node are all. */
  askAll(all: AllNodesClients): void {
    this.#all = all;
  }

  /** The clients of all nodes, a `ClientLine` each. */
  find(question: ClientsQuestion): Promise<Lines> {
    return this.#all.find(question);
  }

  /** The edges of all nodes from and to a namespace, an `Edge` each. */
  topology(namespace: string): Promise<Lines> {
    return this.#all.topology(namespace);
  }

  /** The clients of all nodes as of a time, without their rates. */
  findAsOf(question: ClientsQuestion, atMs: number): Promise<PastLines> {
    return this.#all.findAsOf(question, atMs);
  }

  /** The edges of all nodes as of a time. */
  topologyAsOf(namespace: string, atMs: number): Promise<PastLines> {
    return this.#all.topologyAsOf(namespace, atMs);
  }

  /** When a client of any node last followed a configuration; undefined when a node does not know, or has not answered. */
  lastFollower(question: FollowedQuestion): Promise<LastFollower | undefined> {
    return this.#all.lastFollower(question);
  }

  /** The clients of this node. */
  findOwn(question: ClientsQuestion): Promise<Lines> {
    return inTurns(this.#own.find(question), stepsPerTurn);
  }

  ownTopology(namespace: string): Promise<Lines> {
    return inTurns(this.#ownEdges(namespace), stepsPerTurn);
  }

  *#ownEdges(namespace: string): Generator<void, Lines, undefined> {
    const edges = new Edges();
    for (const client of this.#own.all()) {
      yield;
      if (client !== undefined) yield* edges.add(client);
    }
    return yield* edges.lines(namespace);
  }
}
