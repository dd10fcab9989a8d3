/**
 * The answer with a choice of instances: in a new order every time it is sent, each as likely as any other, so
 * that every instance comes first, and gets into a small packet at all, equally often, however few queries
 * there are. Encoded are single records, each when it is first drawn; an answer is put together from them.
 *
 *     draw ─ made? ─ no ─► encode ─► kept     pieces are the same wherever they stand, but for a pointer
 *       ▲       └─ yes ─► copy                from an address that is sent along to the name it belongs to
 *       └── as long as there is room
 */

import type { Room } from './limits.ts';
import { optBytes, pointableEnd, writeHeader, writeOpt, type Envelope, type Template } from './message.ts';
import { headerBytes } from './query-reader.ts';
import type { Entry, ResourceRecord } from './records.ts';

export interface ShuffledOptions {
  readonly envelope: Envelope;
  readonly entry: (index: number) => Entry;
  readonly room: Room;
  /** Bytes of the name, type and class that are asked for. */
  readonly questionBytes: number;
  /** A record with a pointer to the question as its owner. */
  readonly encode: (record: ResourceRecord) => Buffer;
  /** Called for each record. */
  readonly onEncoded: () => void;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Where answers are put together: as long as the largest one. Each is good until the next. */
  readonly scratch: Buffer;
}

/** A record of the answer as bytes, and the address that is sent along with it. */
interface Piece {
  readonly bytes: Buffer;
  readonly along: Along | undefined;
}

/** One for all records with the same target. */
interface Along {
  /** Without its owner. */
  readonly rest: Buffer;
  /** The name that it belongs to: the target of records. */
  readonly owner: string;
  /** The answer that has it already. */
  sentIn: number;
}

/** Owner (a pointer), type, class, ttl, length; then priority, weight and port of SRV (RFC 2782). */
const targetAt = 2 + 10 + 6;
const pointerBytes = 2;

export class Shuffled {
  readonly #options: ShuffledOptions;
  readonly #order: Uint32Array;
  readonly #pieces: (Piece | undefined)[];
  readonly #alongs = new Map<string, Along>();
  /** Those of the answer that is being made, and where the names are that they belong to. */
  readonly #sent: Along[] = [];
  readonly #ownerAt: number[] = [];
  #answers = 0;

  constructor(options: ShuffledOptions) {
    this.#options = options;
    const { count } = options.envelope;
    this.#order = Uint32Array.from({ length: count }, (_unused, index) => index);
    this.#pieces = Array.from<Piece | undefined>({ length: count });
  }

  /** About how many bytes of memory it takes when all records are encoded. */
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

  /** One step of Fisher and Yates' shuffle: swaps one of those that were not drawn yet to `at`. */
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

  /** @param ownerAt where the name stands already */
  #ownerBytes({ owner }: Along, ownerAt: number): number {
    if (ownerAt < pointableEnd) return pointerBytes;
    return this.#parentAt(owner) === 0 ? owner.length + 2 : 1 + labelBytes(owner) + pointerBytes;
  }

  /** A name that no pointer reaches: its first label, then a pointer to the rest of it in an earlier name. */
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

  /** Where a pointer reaches what comes after the first label; 0 when that stands nowhere. */
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
