/**
 * An answer with several instances to choose from. It is sent in a new random order each time, so that every instance comes
 * first, and gets into a small packet, equally often. Each record is encoded when it is first drawn; an answer is
 * copied together from encoded records.
 *
 *     draw ─ encoded? ─ no ─► encode ─► keep    an encoded record is the same at every place; only the address of a
 *       ▲        └─ yes ─► copy                 target needs a pointer to the target's name
 *       └── as long as there is room
 */

import type { Room } from './limits.ts';
import { optBytes, pointableEnd, writeHeader, writeOpt, type Envelope, type Template } from './message.ts';
import { headerBytes } from './query-reader.ts';
import type { Entry, ResourceRecord } from './records.ts';

export interface ShuffledAnswerOptions {
  readonly envelope: Envelope;
  readonly entry: (index: number) => Entry;
  readonly room: Room;
  /** Length of the question: name, type and class. */
  readonly questionBytes: number;
  /** Encodes a record whose owner is a pointer to the question. */
  readonly encode: (record: ResourceRecord) => Buffer;
  /** Called for each record that is encoded. */
  readonly onEncoded: () => void;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Buffer for answers, as long as the longest. The next answer overwrites it. */
  readonly scratch: Buffer;
}

/** An encoded record, and the address of its target. */
interface Piece {
  readonly bytes: Buffer;
  readonly along: Along | undefined;
}

/** The address of a target, shared by all records with this target. */
interface Along {
  /** The encoded record without its owner. */
  readonly rest: Buffer;
  /** The name of the target. */
  readonly owner: string;
  /** Number of the last answer that has it. */
  sentIn: number;
}

/** Owner (a pointer), type, class, ttl, length; then priority, weight and port of SRV (RFC 2782). */
const targetAt = 2 + 10 + 6;
const pointerBytes = 2;

export class ShuffledAnswer {
  readonly #options: ShuffledAnswerOptions;
  readonly #order: Uint32Array;
  readonly #pieces: (Piece | undefined)[];
  readonly #alongs = new Map<string, Along>();
  /** The addresses in the answer that is being made, and the positions of their names. */
  readonly #sent: Along[] = [];
  readonly #ownerAt: number[] = [];
  #answers = 0;

  constructor(options: ShuffledAnswerOptions) {
    this.#options = options;
    const { count } = options.envelope;
    this.#order = Uint32Array.from({ length: count }, (_unused, index) => index);
    this.#pieces = Array.from<Piece | undefined>({ length: count });
  }

  /** Approximate bytes of memory when all records are encoded. */
  get weight(): number {
    return this.#pieces.length * 300 + 500;
  }

  next(): Template {
    const { envelope, room, questionBytes, scratch } = this.#options;
    const bytesMax = room.bytesMax - (room.edns ? optBytes : 0);
    const recordsMax = Math.min(room.recordsMax, envelope.count);
    this.#answers++;
    this.#sent.length = 0;
    this.#ownerAt.length = 0;
    let alongBytes = 0;
    let at = headerBytes + questionBytes;
    let answers = 0;
    for (; answers < recordsMax; answers++) {
      const { bytes, along } = this.#draw(answers);
      const fresh = along !== undefined && along.sentIn !== this.#answers;
      const extra = fresh ? this.#ownerBytes(along, at + targetAt) + along.rest.length : 0;
      if (at + bytes.length + alongBytes + extra > bytesMax) break;
      scratch.set(bytes, at);
      if (fresh) {
        along.sentIn = this.#answers;
        this.#sent.push(along);
        this.#ownerAt.push(at + targetAt);
        alongBytes += extra;
      }
      at += bytes.length;
    }
    at = this.#writeAlongs(at);
    if (room.edns) at = writeOpt(scratch, at, envelope);
    writeHeader(scratch, envelope, { answers, authorities: 0, additionals: this.#sent.length + (room.edns ? 1 : 0) });
    return { bytes: scratch, length: at, serialAt: 0 };
  }

  /** One step of the Fisher-Yates shuffle: swaps a record that was not drawn yet to `at`. */
  #draw(at: number): Piece {
    const order = this.#order;
    const other = at + Math.floor(this.#options.random() * (order.length - at));
    const index = order[other] as number;
    order[other] = order[at] as number;
    order[at] = index;
    return (this.#pieces[index] ??= this.#encode(index));
  }

  #encode(index: number): Piece {
    const { entry, encode, onEncoded } = this.#options;
    onEncoded();
    const { record, along } = entry(index);
    const [address] = along;
    if (address === undefined || !('address' in address)) return { bytes: encode(record), along: undefined };
    const owner = String(address.owner);
    const key = `${owner} ${address.address}`;
    let kept = this.#alongs.get(key);
    if (kept === undefined) {
      kept = { rest: encode(address).subarray(pointerBytes), owner, sentIn: 0 };
      this.#alongs.set(key, kept);
    }
    return { bytes: encode(record), along: kept };
  }

  #writeAlongs(start: number): number {
    const { scratch } = this.#options;
    let at = start;
    for (let index = 0; index < this.#sent.length; index++) {
      const along = this.#sent[index] as Along;
      const ownerAt = this.#ownerAt[index] as number;
      if (ownerAt < pointableEnd) at = scratch.writeUInt16BE(0xc000 | ownerAt, at);
      else at = this.#writeFarOwner(along, at);
      scratch.set(along.rest, at);
      at += along.rest.length;
    }
    return at;
  }

  /** @param ownerAt position of the name in the answer */
  #ownerBytes({ owner }: Along, ownerAt: number): number {
    if (ownerAt < pointableEnd) return pointerBytes;
    return this.#parentAt(owner) === 0 ? owner.length + 2 : 1 + labelBytes(owner) + pointerBytes;
  }

  /** Writes a name that is out of reach of a pointer: its first label, then a pointer to the rest in an earlier name. */
  #writeFarOwner({ owner }: Along, start: number): number {
    const { scratch } = this.#options;
    const parent = this.#parentAt(owner);
    let at = start;
    for (const label of parent === 0 ? owner.split('.') : [owner.slice(0, labelBytes(owner))]) {
      scratch[at] = label.length;
      at += 1 + scratch.write(label, at + 1, 'latin1');
    }
    if (parent !== 0) return scratch.writeUInt16BE(0xc000 | parent, at);
    scratch[at] = 0;
    return at + 1;
  }

  /** A position at which the rest of the name, after its first label, stands within reach of a pointer; 0 for none. */
  #parentAt(owner: string): number {
    const parent = owner.slice(labelBytes(owner));
    const index = this.#sent.findIndex((each) => each.owner.endsWith(parent) && labelBytes(each.owner) + parent.length === each.owner.length);
    const at = (this.#ownerAt[index] ?? pointableEnd) + 1 + labelBytes(this.#sent[index]?.owner ?? '');
    return at < pointableEnd ? at : 0;
  }
}

function labelBytes(name: string): number {
  const end = name.indexOf('.');
  return end < 0 ? name.length : end;
}
