/**
 * The feed of changes from etcd: a list of all records at one revision, then one watch from there on, or only the watch after a
 * revision that the reader names. A watch that asks for compacted history is answered with a new list.
 *
 *   list in pages at R ──► caught-up ──► watch from R + 1 ──compacted──► list again (`reset`)
 *
 * The stream is read only as fast as its reader asks; etcd keeps the changes for a slow reader.
 */

import type { ClientDuplexStream } from '@grpc/grpc-js';
import { RegistryError } from '@rollcall/protocol';
import type { EngineEvent, EngineRecord } from '../engine.ts';
import type { Connection } from './connection.ts';
import { callError, readError } from './errors.ts';
import { after as following, type Keys } from './keys.ts';
import type { Log } from './log.ts';
import { methods, type Event, type KeyValue, type RangeResponse, type WatchRequest, type WatchResponse } from './wire.ts';

type TransactionEvent = Extract<EngineEvent, { kind: 'transaction' }>;

/**
 * Bytes of a page of the list, and the number of records in the first page; each later page has as many as fit, by the size of
 * the one before.
 */
const pageBytes = 2_097_152;
const firstPage = 500;
const pageMax = 10_000;

/** A page may be read from disk by a busy member. */
const pageMs = 30_000;

/** Records that are converted between two turns of the event loop. */
const recordsPerEvent = 1_000;

export interface FeedOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly log: Log;
}

/**
 * A revision of the registry and a later one of etcd, between which no transaction came; the history in between may be
 * compacted.
 */
interface Quiet {
  readonly revision: number;
  readonly etcd: number;
}

export class Changes {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #log: Log;
  /**
   * The last revision that a reader saw: it can continue there even if other programs write to etcd meanwhile and etcd
   * compacts.
   */
  #quiet: Quiet = { revision: 0, etcd: 0 };

  constructor({ connection, keys, log }: FeedOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#log = log;
  }

  /** As `Engine.changes`. */
  async *read(after: number | undefined, signal: AbortSignal): AsyncGenerator<EngineEvent, void, undefined> {
    try {
      let from = after === undefined ? undefined : await this.#resume(after);
      for (;;) {
        if (signal.aborted) return;
        from ??= yield* this.#list(signal);
        if (from === undefined || (yield* this.#watch(from, signal)) === 'ended') return;
        from = undefined;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof RegistryError ? error : readError(callError(error));
    }
  }

  /** Where the watch begins for a reader that has seen a revision; undefined when there never was such a revision. */
  async #resume(after: number): Promise<number | undefined> {
    const { seq } = await this.#log.locate();
    const { eras } = this.#log;
    // A reader from before a restore must learn of the new base.
    if (after > eras.ours(seq) || after < eras.base) return undefined;
    if (after === this.#quiet.revision && eras.etcds(after) !== undefined) return Math.max(this.#quiet.etcd, eras.etcds(after) as number) + 1;
    const etcd = after === 0 ? 0 : eras.etcds(after);
    return etcd === undefined ? undefined : etcd + 1;
  }

  /** @returns where the watch begins; undefined when the signal aborted */
  async *#list(signal: AbortSignal): AsyncGenerator<EngineEvent, number | undefined, undefined> {
    const { etcd, seq } = await this.#log.locate();
    const { records: key, recordsEnd: end } = this.#keys;
    let page = this.#page(key, end, etcd, firstPage);
    let reset = true;
    for (let limit = firstPage; ; ) {
      const answer = await page;
      if (signal.aborted) return undefined;
      const { kvs, more } = answer;
      if (more) {
        limit = nextLimit(kvs);
        page = this.#page(following((kvs.at(-1) as KeyValue).key), end, etcd, limit);
        // It is awaited below. If the reader leaves before, its failure has no effect.
        page.catch(() => {});
      }
      for (let at = 0; at < kvs.length || reset; at += recordsPerEvent) {
        if (signal.aborted) return undefined;
        yield { kind: 'records', reset, records: kvs.slice(at, at + recordsPerEvent).map((kv) => this.#record(kv)) };
        reset = false;
      }
      if (!more) break;
    }
    if (signal.aborted) return undefined;
    const revision = this.#log.shows(seq);
    this.#quiet = { revision, etcd };
    const { base } = this.#log.eras;
    yield { kind: 'caught-up', revision, ...(base === 0 ? {} : { base }) };
    return etcd + 1;
  }

  #page(key: Buffer, end: Buffer, revision: number, limit: number): Promise<RangeResponse> {
    return this.#connection.read(methods.range, { key, range_end: end, revision, limit }, pageMs);
  }

  #record({ key, value, mod_revision: revision }: KeyValue): EngineRecord {
    return { key: this.#keys.recordOf(key) as string, value, revision: this.#log.eras.ours(revision.toNumber()) };
  }

  /** @returns whether the feed ended, or the reader has to start again */
  async *#watch(from: number, signal: AbortSignal): AsyncGenerator<EngineEvent, 'ended' | 'again', undefined> {
    const stream = await this.#connection.stream(methods.watch);
    const stop = () => stream.destroy();
    signal.addEventListener('abort', stop);
    try {
      if (signal.aborted) return 'ended';
      const { log: key, logEnd: end } = this.#keys;
      stream.write({ create_request: { key, range_end: end, start_revision: from, progress_notify: true, fragment: true } });
      return yield* this.#responses(stream, signal);
    } finally {
      signal.removeEventListener('abort', stop);
      stream.on('error', () => {});
      stream.destroy();
      stream.cancel();
    }
  }

  async *#responses(
    stream: ClientDuplexStream<WatchRequest, WatchResponse>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, 'ended' | 'again', undefined> {
    /** Events of a revision that goes on in the next response. */
    let begun: Event[] = [];
    const { base } = this.#log.eras;
    for await (const response of stream as AsyncIterable<WatchResponse>) {
      if (response.canceled) {
        if (!response.compact_revision.isZero()) return 'again';
        throw new RegistryError('unavailable', `etcd ended the watch: ${response.cancel_reason || 'without a reason'}`);
      }
      const events = begun.length === 0 ? response.events : [...begun, ...response.events];
      begun = [];
      for (const { revision, of } of byRevision(events, response.fragment, (rest) => (begun = rest))) {
        const transaction = this.#transaction(revision, of);
        if (this.#log.eras.base !== base) return 'again';
        if (transaction !== undefined) yield transaction;
        if (signal.aborted) return 'ended';
      }
      if (response.events.length === 0 && begun.length === 0) this.#progressed(response.header.revision.toNumber());
    }
    if (signal.aborted) return 'ended';
    throw new RegistryError('unavailable', 'etcd ended the watch');
  }

  /** No transaction came until this revision. */
  #progressed(etcd: number): void {
    if (etcd > this.#quiet.etcd) this.#quiet = { ...this.#quiet, etcd };
  }

  /** @returns undefined when only the eras were written, as in a new store */
  #transaction(etcd: number, events: readonly Event[]): TransactionEvent | undefined {
    const keys = this.#keys;
    const put: { key: string; value: Uint8Array }[] = [];
    const gone: string[] = [];
    let own: TransactionEvent['put'] | undefined;
    let seq = false;
    for (const { type, kv } of events) {
      const key = keys.recordOf(kv.key);
      if (key !== undefined) {
        if (type === 0) put.push({ key, value: kv.value });
        else gone.push(key);
      } else if (type === 0 && kv.key.equals(keys.seq)) {
        seq = true;
        this.#log.passed(etcd, kv.value.toString());
        own = this.#log.own(kv.value)?.put;
      } else if (type === 0 && kv.key.equals(keys.era)) this.#log.reaches(etcd, kv.value);
    }
    const revision = this.#log.shows(etcd);
    if (!seq && put.length === 0 && gone.length === 0) return undefined;
    this.#quiet = { revision, etcd };
    // The same objects that were given to `commit`, so that the replica need not decode them.
    return { kind: 'transaction', revision, put: own ?? put, delete: gone };
  }
}

/** Groups events by the revision of etcd. The last group of a fragment may be incomplete: it goes to `rest`. */
function* byRevision(
  events: readonly Event[],
  fragment: boolean,
  rest: (events: Event[]) => void,
): Generator<{ revision: number; of: readonly Event[] }, void, undefined> {
  for (let at = 0; at < events.length; ) {
    const revision = (events[at] as Event).kv.mod_revision.toNumber();
    let end = at + 1;
    while (end < events.length && (events[end] as Event).kv.mod_revision.toNumber() === revision) end++;
    const of = events.slice(at, end);
    at = end;
    if (fragment && at === events.length) rest(of);
    else yield { revision, of };
  }
}

function nextLimit(kvs: readonly KeyValue[]): number {
  let bytes = 0;
  for (const { key, value } of kvs) bytes += key.length + value.length;
  return Math.max(16, Math.min(pageMax, Math.floor((pageBytes * kvs.length) / Math.max(1, bytes))));
}
