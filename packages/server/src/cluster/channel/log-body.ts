/**
 * The log of a node as bodies of frames: transactions that are to be committed, their results, and the events of the feed. Values
 * are sent as they are, without an encoding of their own.
 *
 * An event may be larger than a message: it is sent in parts, and the reader of the feed puts them together.
 */

import type { CommitResult, EngineEvent, EngineLimits, EngineRecord, Transaction } from '../../engine/engine.ts';
import { BadMessage, ByteReader, ByteWriter } from './bytes.ts';

export function encodeTransaction({ expect, guards = [], put, delete: gone, revisionAtLeast = 0 }: Transaction): Buffer {
  const writer = new ByteWriter().number(revisionAtLeast).number(expect.length);
  for (const { key, revision } of expect) writer.text(key).number(revision);
  writer.number(guards.length);
  for (const { under, notAfter } of guards) writer.text(under).number(notAfter);
  writer.number(put.length);
  for (const { key, value } of put) writer.text(key).bytes(value);
  writer.number(gone.length);
  for (const key of gone) writer.text(key);
  return writer.done();
}

/** @throws BadMessage */
export function decodeTransaction(body: Buffer): Transaction {
  const reader = new ByteReader(body);
  const revisionAtLeast = reader.number();
  const expect = list(reader, () => ({ key: reader.text(), revision: reader.number() }));
  const guards = list(reader, () => ({ under: reader.text(), notAfter: reader.number() }));
  const put = list(reader, () => ({ key: reader.text(), value: reader.bytes() }));
  const gone = list(reader, () => reader.text());
  reader.end();
  return { expect, ...(guards.length === 0 ? {} : { guards }), put, delete: gone, ...(revisionAtLeast === 0 ? {} : { revisionAtLeast }) };
}

export function encodeResult(result: CommitResult): Buffer {
  const writer = new ByteWriter().byte(Number(result.ok)).number(result.revision);
  return (result.ok ? writer : writer.text(result.key)).done();
}

/** @throws BadMessage */
export function decodeResult(body: Buffer): CommitResult {
  const reader = new ByteReader(body);
  const ok = reader.byte() === 1;
  const revision = reader.number();
  const result: CommitResult = ok ? { ok, revision } : { ok, revision, key: reader.text() };
  reader.end();
  return result;
}

export function encodeNumber(revision: number): Buffer {
  return new ByteWriter().number(revision).done();
}

/** @throws BadMessage */
export function decodeNumber(body: Buffer): number {
  const reader = new ByteReader(body);
  const revision = reader.number();
  reader.end();
  return revision;
}

/** The body of a request for the log: the revision to resume after, if any. */
export function encodeAfter(after: number | undefined): Buffer {
  return after === undefined ? Buffer.alloc(0) : encodeNumber(after);
}

/** @throws BadMessage */
export function decodeAfter(body: Buffer): number | undefined {
  return body.length === 0 ? undefined : decodeNumber(body);
}

/** Bytes after which a part of an event ends; one record may make it larger. */
const partBytes = 262_144;

const eventKinds = { records: 1, caughtUp: 2, transaction: 3, transactionGoesOn: 4 } as const;

/** Parts of an event, in order. Events of engines are immutable, so several readers get the same bytes. */
export class EventEncoder {
  readonly #known = new WeakMap<EngineEvent, readonly Buffer[]>();

  /** Yields one part after another, so that a large event is never held in full. */
  *parts(event: EngineEvent): Generator<Buffer, void, undefined> {
    const known = this.#known.get(event);
    if (known !== undefined) {
      yield* known;
      return;
    }
    // Only transactions of one part are kept: all readers want them at once.
    const first: Buffer[] = [];
    let count = 0;
    for (const part of partsOf(event)) {
      if (++count === 1) first.push(part);
      yield part;
    }
    if (count === 1 && event.kind === 'transaction') this.#known.set(event, first);
  }
}

function* partsOf(event: EngineEvent): Generator<Buffer, void, undefined> {
  switch (event.kind) {
    case 'records':
      yield* recordParts(event.records, event.reset);
      return;
    case 'caught-up':
      yield new ByteWriter().byte(eventKinds.caughtUp).number(event.revision).done();
      return;
    case 'transaction':
      yield* transactionParts(event);
  }
}

/** A record is its key, its revision and its value; the part ends after the last one. */
function* recordParts(records: readonly EngineRecord[], reset: boolean): Generator<Buffer, void, undefined> {
  const begin = (first: boolean) => new ByteWriter().byte(eventKinds.records).byte(Number(first && reset));
  let writer = begin(true);
  for (const { key, value, revision } of records) {
    if (writer.length >= partBytes) {
      yield writer.done();
      writer = begin(false);
    }
    writer.text(key).number(revision).bytes(value);
  }
  yield writer.done();
}

/**
 * First the deleted keys, then the records that are put; each entry names its kind. The last part has the kind that ends the
 * transaction.
 */
function* transactionParts({ revision, put, delete: gone }: Extract<EngineEvent, { kind: 'transaction' }>): Generator<Buffer> {
  let writer = new ByteWriter().byte(eventKinds.transaction).number(revision);
  const full = (): Buffer => {
    const part = writer.done();
    part[0] = eventKinds.transactionGoesOn;
    writer = new ByteWriter().byte(eventKinds.transaction).number(revision);
    return part;
  };
  for (const key of gone) {
    if (writer.length >= partBytes) yield full();
    writer.byte(0).text(key);
  }
  for (const { key, value } of put) {
    if (writer.length >= partBytes) yield full();
    writer.byte(1).text(key).bytes(value);
  }
  yield writer.done();
}

/** Puts the parts of events together. One for each feed. */
export class EventDecoder {
  #put: { key: string; value: Uint8Array }[] = [];
  #gone: string[] = [];
  #goesOn: number | undefined;

  /**
   * @returns an event once its last part is there
   * @throws BadMessage
   */
  take(part: Buffer): EngineEvent | undefined {
    const reader = new ByteReader(part);
    const kind = reader.byte();
    if (this.#goesOn !== undefined && kind !== eventKinds.transaction && kind !== eventKinds.transactionGoesOn) {
      throw new BadMessage('a transaction in parts is interrupted by another event');
    }
    switch (kind) {
      case eventKinds.records:
        return this.#records(reader);
      case eventKinds.caughtUp: {
        const revision = reader.number();
        reader.end();
        return { kind: 'caught-up', revision };
      }
      case eventKinds.transaction:
      case eventKinds.transactionGoesOn:
        return this.#transaction(reader, kind === eventKinds.transactionGoesOn);
      default:
        throw new BadMessage(`an event begins with ${kind}, which is no kind of event`);
    }
  }

  #records(reader: ByteReader): EngineEvent {
    const reset = reader.byte() === 1;
    const records: EngineRecord[] = [];
    while (!reader.atEnd) {
      const key = reader.text();
      const revision = reader.number();
      records.push({ key, revision, value: reader.bytes() });
    }
    return { kind: 'records', reset, records };
  }

  #transaction(reader: ByteReader, goesOn: boolean): EngineEvent | undefined {
    const revision = reader.number();
    if (this.#goesOn !== undefined && this.#goesOn !== revision) throw new BadMessage('a transaction in parts changes its revision');
    while (!reader.atEnd) {
      if (reader.byte() === 0) this.#gone.push(reader.text());
      else {
        const key = reader.text();
        this.#put.push({ key, value: reader.bytes() });
      }
    }
    this.#goesOn = goesOn ? revision : undefined;
    if (goesOn) return undefined;
    const event: EngineEvent = { kind: 'transaction', revision, put: this.#put, delete: this.#gone };
    this.#put = [];
    this.#gone = [];
    return event;
  }
}

/** Limits of a transaction through the channel: those of the store, and the size of a message. */
export function channelLimits({ operations, bytes }: EngineLimits): EngineLimits {
  return { operations: Math.min(operations, operationsMax), bytes: Math.min(bytes, bytesMax) };
}

/** An engine handles this many within one turn of the event loop. */
const operationsMax = 8_192;

/** Half of a message: keys have their lengths beside them. */
const bytesMax = 8_388_608;

function list<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.count();
  const entries: T[] = [];
  for (let at = 0; at < count; at++) entries.push(read());
  return entries;
}
