/**
 * Who was connected to this node, and who used which service: it looks at the clients again and again, and keeps what has changed between two looks. It
 * is in memory, limited in characters, and begins with the process. A client that came and went between two looks is not in it.
 *
 *   every 10 s  clients, without their rates ─► spans
 *   every 60 s  edges, with rates of two digits ─► spans
 */

import type { ListedClient, TopologyEdge } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { inTurns } from '../in-turns.ts';
import type { ConnectedClient } from './client.ts';
import { Edges } from './edges.ts';
import { isMeant, type OwnClients } from './own-clients.ts';
import { charactersMax, linesMax, type ClientsQuestion, type PastLines } from './question.ts';
import { Spans } from './spans.ts';

export interface ClientHistoryOptions {
  readonly own: OwnClients;
  readonly nodeName: string;
  readonly clock: Clock;
  /** Most characters of clients, and of edges; 0 turns it off. */
  readonly charactersMax: number;
}

/** A part of the limit of the history, up to as many characters as all clients of one answer, and edges again. */
export function clientHistoryCharacters(historyBytesMax: number): number {
  return Math.min(Math.floor(historyBytesMax / 8), 8_388_608);
}

/** Between two looks at the clients. */
const lookMs = 10_000;
/** Requests for the last moments make no more looks than one in this time. */
const freshMs = 1_000;
/** Between two looks at the edges: rates change with each report of a client. */
const edgesMs = 60_000;
/** A look takes a hundredth of the time at most: 100,000 clients are looked at less often. */
const pausesPerLook = 99;
/** A step looks at a client, or at something remembered: some 10 µs. */
const stepsPerTurn = 256;

export class ClientHistory {
  readonly #options: ClientHistoryOptions;
  readonly #clients: Spans;
  readonly #edges: Spans;
  #lookedMs: number;
  #edgesLookedMs = -Infinity;
  #cancel: () => void = () => {};
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ClientHistoryOptions) {
    this.#options = options;
    const { clock, charactersMax: most } = options;
    this.#lookedMs = clock.now();
    this.#clients = new Spans(this.#lookedMs, most);
    this.#edges = new Spans(this.#lookedMs, most);
  }

  start(): void {
    if (this.#options.charactersMax > 0) this.#lookAfter(lookMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  /** The clients of a time, without their rates. */
  async find(question: ClientsQuestion, atMs: number): Promise<PastLines> {
    await this.#lookUpTo(atMs);
    return inTurns(this.#found(question, atMs), stepsPerTurn);
  }

  /** The edges of a time, those of the last minute before it. */
  async topology(namespace: string, atMs: number): Promise<PastLines> {
    await this.#lookUpTo(atMs);
    return inTurns(this.#edgesOf(namespace, atMs), stepsPerTurn);
  }

  #lookAfter(ms: number): void {
    this.#cancel = this.#options.clock.timer(ms, () => void this.#look());
  }

  /** A time after the last look is known only by another one. */
  async #lookUpTo(atMs: number): Promise<void> {
    const { clock, charactersMax: most } = this.#options;
    if (most === 0 || atMs <= this.#lookedMs || clock.now() - this.#lookedMs < freshMs) return;
    this.#cancel();
    await this.#look();
  }

  #look(): Promise<void> {
    return (this.#looking ??= this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    const { clock } = this.#options;
    const begin = clock.monotonic();
    await inTurns(this.#lookAtAll(), stepsPerTurn);
    this.#looking = undefined;
    if (!this.#isClosed) this.#lookAfter(Math.max(lookMs, (clock.monotonic() - begin) * pausesPerLook));
  }

  *#lookAtAll(): Generator<void, void, undefined> {
    const { own, clock, charactersMax: most } = this.#options;
    const nowMs = clock.now();
    const edges = nowMs - this.#edgesLookedMs >= edgesMs ? new Edges() : undefined;
    const gone = new Set(this.#clients.keys());
    let characters = 0;
    let left = 0;
    for (const client of own.all()) {
      yield;
      if (client === undefined) continue;
      if (edges !== undefined) yield* edges.add(client);
      const listed = own.listed(client);
      // Those that last are never forgotten, so they may fill half of the room.
      if (characters > most / 2) {
        left++;
        continue;
      }
      const line = JSON.stringify({ ...listed, picks: [] });
      characters += line.length;
      gone.delete(listed.id);
      this.#clients.set(listed.id, line, nowMs, this.#clients.has(listed.id) ? nowMs : this.#beganMs(client, nowMs));
    }
    for (const id of gone) this.#clients.end(id, nowMs);
    if (left > 0) this.#clients.set(leftKey, String(left), nowMs);
    this.#lookedMs = nowMs;
    if (edges !== undefined) yield* this.#keepEdges(edges, nowMs);
  }

  /** Not before the last look, which did not find it. */
  #beganMs({ sinceMs }: ConnectedClient, nowMs: number): number {
    return Math.min(nowMs, Math.max(this.#lookedMs, sinceMs ?? nowMs));
  }

  *#keepEdges(edges: Edges, nowMs: number): Generator<void, void, undefined> {
    this.#edgesLookedMs = nowMs;
    const gone = new Set(this.#edges.keys());
    let characters = 0;
    for (const edge of edges.all()) {
      yield;
      const key = [edge.fromKind, edge.fromNamespace, edge.from, edge.toNamespace, edge.to].join('\0');
      const line = JSON.stringify(rounded(edge));
      characters += line.length;
      if (characters > this.#options.charactersMax / 2) break;
      gone.delete(key);
      this.#edges.set(key, line, nowMs);
    }
    for (const key of gone) this.#edges.end(key, nowMs);
  }

  *#found(question: ClientsQuestion, atMs: number): Generator<void, PastLines, undefined> {
    if (atMs < this.#clients.sinceMs) return this.#unknown(this.#clients);
    const lines: string[] = [];
    let count = 0;
    let characters = 0;
    for (const line of this.#clients.at(atMs)) {
      yield;
      if (line === undefined) continue;
      if (!line.startsWith('{')) {
        count += Number(line);
        continue;
      }
      const client = JSON.parse(line) as ListedClient;
      if (!(yield* isMeant({ ...client, instances: () => client.instances, watches: () => client.watches, picks: () => client.picks }, question))) continue;
      count++;
      characters += line.length + 1;
      if (lines.length < Math.min(question.limit, linesMax) && characters <= charactersMax) lines.push(line);
    }
    return { lines, count, missing: [], knew: 1, unknown: [] };
  }

  *#edgesOf(namespace: string, atMs: number): Generator<void, PastLines, undefined> {
    if (atMs < this.#edges.sinceMs) return this.#unknown(this.#edges);
    const lines: string[] = [];
    let count = 0;
    for (const line of this.#edges.at(atMs)) {
      yield;
      if (line === undefined) continue;
      const { fromNamespace, toNamespace } = JSON.parse(line) as TopologyEdge;
      if (fromNamespace !== namespace && toNamespace !== namespace) continue;
      count++;
      if (lines.length < linesMax) lines.push(line);
    }
    return { lines, count, missing: [], knew: 1, unknown: [] };
  }

  #unknown({ sinceMs }: Spans): PastLines {
    return { lines: [], count: 0, missing: [], knew: 0, unknown: [{ node: this.#options.nodeName, sinceMs }] };
  }
}

/** The number of clients that there was no room for. */
const leftKey = '';

/** A steady rate is the same text from minute to minute. */
function rounded({ picksPerSecond, failuresPerSecond, meanMs, p99Ms, ...edge }: TopologyEdge): TopologyEdge {
  return {
    ...{ ...edge, picksPerSecond: twoDigits(picksPerSecond), failuresPerSecond: twoDigits(failuresPerSecond) },
    ...(meanMs === undefined ? {} : { meanMs: twoDigits(meanMs) }),
    ...(p99Ms === undefined ? {} : { p99Ms: twoDigits(p99Ms) }),
  };
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
