/**
 * Who was connected to this node, and who used which service: it looks at the clients again and again, and keeps what has changed between two looks. It
 * is in memory and limited in characters. A client that came and went between two looks is not in it. With files, the next process knows it; nothing is
 * known of the time between the last look of one process and the start of the next.
 *
 *   every 10 s  clients, without their rates ─► spans ─► lines of a file
 *   every 60 s  edges, with rates of two digits ─► spans ─► lines of a file
 */

import type { TopologyEdge } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { inTurns } from '../in-turns.ts';
import type { ConnectedClient } from './client.ts';
import { Edges } from './edges.ts';
import { lastFollower, type FollowedQuestion, type LastFollower } from './last-follower.ts';
import { bytesOf, LookFiles, type LookFilesOptions } from './look-files.ts';
import { books, lineOf, type Book, type Known } from './look-lines.ts';
import { isMeant, type OwnClients } from './own-clients.ts';
import { charactersMax, linesMax, type ClientLine, type ClientsQuestion, type PastLines } from './question.ts';
import { overhead, Spans } from './spans.ts';

export interface ClientHistoryOptions {
  readonly own: OwnClients;
  readonly nodeName: string;
  readonly clock: Clock;
  /** Most characters of clients, and of edges; 0 turns it off. */
  readonly charactersMax: number;
  /** Where it survives the process; undefined: in memory alone. */
  readonly files?: LookFiles | undefined;
}

/** How much is kept: a part of the limit of the history, up to as many characters as all clients of one answer, and edges again. */
function charactersFor(historyBytesMax: number): number {
  return Math.min(Math.floor(historyBytesMax / 8), 8_388_608);
}

/** @param kept where it survives the process; undefined: nowhere */
export function clientHistoryOf(historyBytesMax: number, kept: Omit<LookFilesOptions, 'bytesMax'> | undefined): { readonly historyCharactersMax: number; readonly historyFiles: LookFiles | undefined } {
  const historyCharactersMax = charactersFor(historyBytesMax);
  // There are two files, and what lasts, at the begin of each, takes half of one at most.
  return { historyCharactersMax, historyFiles: kept === undefined ? undefined : new LookFiles({ ...kept, bytesMax: 2 * historyCharactersMax }) };
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

/** Answers that are kept until the next look; others are found each time. */
const lastFollowersMax = 100;

export class ClientHistory {
  readonly #options: ClientHistoryOptions;
  #known: Known;
  #lookedMs: number;
  #edgesLookedMs = -Infinity;
  #cancel: () => void = () => {};
  #looking: Promise<void> | undefined;
  /** Until what earlier processes have seen was read. */
  #loading: Promise<void> | undefined;
  /** Answers about configurations, until the next look. */
  readonly #lastFollowers = new Map<string, Promise<LastFollower>>();
  /** Lines of the present look that are not written yet. */
  #lines: string[] = [];
  #isClosed = false;

  constructor(options: ClientHistoryOptions) {
    this.#options = options;
    const { clock, charactersMax: most } = options;
    this.#lookedMs = clock.now();
    this.#known = { clients: new Spans(this.#lookedMs, most), edges: new Spans(this.#lookedMs, most) };
  }

  start(): void {
    const { files, charactersMax: most } = this.#options;
    if (most === 0) {
      // Names of clients must not stay on the disk when the operator wants no history.
      this.#loading = files?.forget();
      return;
    }
    this.#loading = files === undefined ? undefined : this.#load(files);
    if (this.#loading === undefined) this.#lookAfter(lookMs);
    else void this.#loading.then(() => this.#lookAfter(lookMs));
  }

  /** With files, looks a last time and writes what it has seen. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#loading;
    const { files, charactersMax: most } = this.#options;
    if (files === undefined || most === 0) return;
    await this.#looking;
    await this.#look();
    await files.close();
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

  /** When a client last followed a configuration; undefined without a history. */
  async lastFollower(question: FollowedQuestion): Promise<LastFollower | undefined> {
    await this.#loading;
    if (this.#options.charactersMax === 0) return undefined;
    const key = `${question.namespace}\0${question.config}`;
    const known = this.#lastFollowers.get(key);
    if (known !== undefined) return known;
    const answer = inTurns(lastFollower(this.#known.clients, question, this.#lookedMs), stepsPerTurn);
    if (this.#lastFollowers.size < lastFollowersMax) this.#lastFollowers.set(key, answer);
    return answer;
  }

  /** Goes on from what earlier processes have seen. */
  async #load(files: LookFiles): Promise<void> {
    const found = await files.load(this.#options.charactersMax);
    const beganMs = Math.max(this.#lookedMs, found?.lastMs ?? 0);
    this.#lookedMs = beganMs;
    if (found !== undefined) {
      for (const book of books) found.known[book].gap(found.lastMs, beganMs);
      this.#known = found.known;
    }
    this.#lines = [lineOf.begin(beganMs)];
    await inTurns(this.#keepLines(files, beganMs), stepsPerTurn);
  }

  #lookAfter(ms: number): void {
    this.#cancel();
    if (!this.#isClosed) this.#cancel = this.#options.clock.timer(ms, () => void this.#look());
  }

  /** A time after the last look is known only by another one. */
  async #lookUpTo(atMs: number): Promise<void> {
    const { clock, charactersMax: most } = this.#options;
    await this.#loading;
    if (most === 0 || atMs <= this.#lookedMs || clock.now() - this.#lookedMs < freshMs) return;
    this.#cancel();
    await this.#look();
  }

  #look(): Promise<void> {
    return (this.#looking ??= this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    const { clock, files } = this.#options;
    const begin = clock.monotonic();
    await inTurns(this.#lookAtAll(), stepsPerTurn);
    this.#looking = undefined;
    this.#lastFollowers.clear();
    const pauseMs = Math.max(lookMs, (clock.monotonic() - begin) * pausesPerLook);
    if (files === undefined) this.#lookAfter(pauseMs);
    // While a disk stands still, it gets nothing more.
    else void files.written.then(() => this.#lookAfter(pauseMs));
  }

  *#lookAtAll(): Generator<void, void, undefined> {
    const { own, clock, charactersMax: most, files } = this.#options;
    // The clock may have been set back.
    const nowMs = Math.max(clock.now(), this.#lookedMs);
    const edges = nowMs - this.#edgesLookedMs >= edgesMs ? new Edges() : undefined;
    const { clients } = this.#known;
    const gone = new Set(clients.keys());
    let bytes = 0;
    let left = 0;
    for (const client of own.all()) {
      yield;
      if (client === undefined) continue;
      if (edges !== undefined) yield* edges.add(client);
      const listed = own.listed(client);
      const line = JSON.stringify({ ...listed, picks: [] });
      // Those that last are never forgotten, so they may fill half of the room.
      bytes += bytesOfSpan(listed.id, line);
      if (bytes > most / 2) {
        left++;
        continue;
      }
      gone.delete(listed.id);
      this.#set('clients', listed.id, line, nowMs, clients.has(listed.id) ? nowMs : this.#beganMs(client, nowMs));
    }
    if (left > 0) {
      gone.delete(leftKey);
      this.#set('clients', leftKey, String(left), nowMs);
    }
    for (const id of gone) {
      this.#end('clients', id, nowMs);
      yield;
    }
    this.#lookedMs = nowMs;
    if (edges !== undefined) yield* this.#keepEdges(edges, nowMs);
    if (files === undefined) return;
    this.#lines.push(lineOf.look(nowMs));
    yield* this.#keepLines(files, nowMs);
  }

  #set(book: Book, key: string, value: string, nowMs: number, fromMs = nowMs): void {
    const isNew = this.#known[book].set(key, value, nowMs, fromMs);
    if (isNew && this.#options.files?.isWritten === true) this.#lines.push(lineOf.set(book, { key, value, fromMs }));
  }

  #end(book: Book, key: string, nowMs: number): void {
    this.#known[book].end(key, nowMs);
    if (this.#options.files?.isWritten === true) this.#lines.push(lineOf.end(book, key));
  }

  /** Writes the lines of a look; to another file, with all that lasts, if they have no room. */
  *#keepLines(files: LookFiles, nowMs: number): Generator<void, void, undefined> {
    const lines = this.#lines;
    this.#lines = [];
    if (!files.isFull(bytesOf(lines))) {
      files.append(lines);
      return;
    }
    const all: string[] = [];
    for (const book of books) {
      for (const lasting of this.#known[book].lasting()) {
        all.push(lineOf.set(book, lasting));
        yield;
      }
    }
    files.begin([...all, lineOf.whole(nowMs)]);
  }

  /** Not before the last look, which did not find it. */
  #beganMs({ sinceMs }: ConnectedClient, nowMs: number): number {
    return Math.min(nowMs, Math.max(this.#lookedMs, sinceMs ?? nowMs));
  }

  *#keepEdges(edges: Edges, nowMs: number): Generator<void, void, undefined> {
    this.#edgesLookedMs = nowMs;
    const gone = new Set(this.#known.edges.keys());
    let bytes = 0;
    for (const edge of edges.all()) {
      yield;
      const key = [edge.fromKind, edge.fromNamespace, edge.from, edge.toNamespace, edge.to].join('\0');
      const line = JSON.stringify(rounded(edge));
      bytes += bytesOfSpan(key, line);
      if (bytes > this.#options.charactersMax / 2) break;
      gone.delete(key);
      this.#set('edges', key, line, nowMs);
    }
    for (const key of gone) {
      this.#end('edges', key, nowMs);
      yield;
    }
  }

  *#found(question: ClientsQuestion, atMs: number): Generator<void, PastLines, undefined> {
    const { clients } = this.#known;
    const sinceMs = clients.knownFrom(atMs);
    if (sinceMs !== atMs) return this.#unknown(sinceMs);
    const lines: string[] = [];
    let count = 0;
    let characters = 0;
    for (const line of clients.at(atMs)) {
      yield;
      if (line === undefined) continue;
      if (!line.startsWith('{')) {
        count += Number(line);
        continue;
      }
      const client = JSON.parse(line) as ClientLine;
      if (!(yield* isMeant({ ...client, instances: () => client.instances, watches: () => client.watches, picks: () => client.picks }, question))) continue;
      count++;
      characters += line.length + 1;
      if (lines.length < Math.min(question.limit, linesMax) && characters <= charactersMax) lines.push(line);
    }
    return { lines, count, missing: [], knew: 1, unknown: [] };
  }

  *#edgesOf(namespace: string, atMs: number): Generator<void, PastLines, undefined> {
    const { edges } = this.#known;
    const sinceMs = edges.knownFrom(atMs);
    if (sinceMs !== atMs) return this.#unknown(sinceMs);
    const lines: string[] = [];
    let count = 0;
    for (const line of edges.at(atMs)) {
      yield;
      if (line === undefined) continue;
      const { fromNamespace, toNamespace } = JSON.parse(line) as TopologyEdge;
      if (fromNamespace !== namespace && toNamespace !== namespace) continue;
      count++;
      if (lines.length < linesMax) lines.push(line);
    }
    return { lines, count, missing: [], knew: 1, unknown: [] };
  }

  #unknown(sinceMs: number): PastLines {
    return { lines: [], count: 0, missing: [], knew: 0, unknown: [{ node: this.#options.nodeName, sinceMs }] };
  }
}

/** Of a value that lasts, in memory and in a file. */
function bytesOfSpan(key: string, value: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value) + overhead;
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
