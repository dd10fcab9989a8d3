/**
 * Reads queries from untrusted bytes. Every packet gives a query, a refusal to send, or silence; no packet makes it
 * throw. It checks the form only.
 *
 * RFC 1035 §4.1 (header, question), RFC 6891 §6.1 (OPT).
 */

import { rcodes, types } from './records.ts';

/** Length of the header; the question follows. */
export const headerBytes = 12;

/** Bytes of type and class after the name of a question. */
export const typeAndClassBytes = 4;

/** Longest name: 255 bytes (RFC 1035 §2.3.4), then type and class. */
const questionBytesMax = 255 + typeAndClassBytes;

/** Records that a query may have besides its question: OPT and a signature (RFC 2845). */
const additionalsMax = 2;

export interface Query {
  readonly type: number;
  readonly class: number;
  /** Position in the packet after the name. */
  readonly nameEnd: number;
  /** Content of OPT; undefined without one. */
  readonly edns: { readonly bytesMax: number; readonly version: number } | undefined;
}

export type Reading =
  | { readonly kind: 'query'; readonly query: Query }
  /** Only the header is valid. */
  | { readonly kind: 'refusal'; readonly rcode: number }
  /** Must not be answered: it is too short to have an id, or is an answer itself. */
  | { readonly kind: 'silence' };

const silence: Reading = { kind: 'silence' };
const malformed: Reading = { kind: 'refusal', rcode: rcodes.FORMERR };
const notImplemented: Reading = { kind: 'refusal', rcode: rcodes.NOTIMP };

export class QueryReader {
  /** Two bytes for the shape of the answer, then the question in lower case: see `key`. */
  readonly #question = Buffer.alloc(2 + questionBytesMax);
  #questionEnd = 2;

  read(packet: Buffer): Reading {
    if (packet.length < headerBytes) return silence;
    const flags = packet.readUInt16BE(2);
    if ((flags & 0x8000) !== 0) return silence;
    if ((flags & 0x7800) !== 0) return notImplemented;
    const additionals = packet.readUInt16BE(10);
    // One question, no answers, no authorities.
    if (packet.readUInt16BE(4) !== 1 || packet.readUInt32BE(6) !== 0 || additionals > additionalsMax) return malformed;

    const nameEnd = this.#readName(packet);
    if (nameEnd < 0 || nameEnd + typeAndClassBytes > packet.length) return malformed;
    for (let at = nameEnd; at < nameEnd + typeAndClassBytes; at++) {
      this.#question[this.#questionEnd++] = packet[at] as number;
    }

    const edns = additionals === 0 ? undefined : readAdditionals(packet, nameEnd + typeAndClassBytes, additionals);
    if (edns === malformed) return malformed;
    return {
      kind: 'query',
      query: {
        type: packet.readUInt16BE(nameEnd),
        class: packet.readUInt16BE(nameEnd + 2),
        nameEnd,
        edns: edns as Query['edns'],
      },
    };
  }

  /**
   * A key of the question that was read last, in lower case, and of the shape of its answer: equal for all packets that get
   * the same answer.
   * @param shape 16 bits; see `limits.ts`
   */
  key(shape: number): string {
    this.#question[0] = shape >> 8;
    this.#question[1] = shape & 0xff;
    return this.#question.toString('latin1', 0, this.#questionEnd);
  }

  /** A copy of the question that was read last: its bytes in a packet, in lower case. */
  question(): Buffer {
    return Buffer.from(this.#question.subarray(2, this.#questionEnd));
  }

  /** The labels of its name, leftmost first, without the empty one of the root. */
  labels(): string[] {
    return labelsOf(this.#question.subarray(2, this.#questionEnd));
  }

  /** Copies the name in lower case. @returns its end in the packet; -1 when it is malformed */
  #readName(packet: Buffer): number {
    const question = this.#question;
    let at = headerBytes;
    let to = 2;
    for (;;) {
      const length = packet[at];
      // A pointer is invalid here, since no name comes before it; the other two forms are not in use.
      if (length === undefined || length > 63) return -1;
      const end = at + 1 + length;
      if (end > packet.length || end - headerBytes > 255) return -1;
      question[to++] = length;
      while (++at < end) {
        const byte = packet[at] as number;
        question[to++] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
      }
      if (length === 0) break;
    }
    this.#questionEnd = to;
    return at;
  }
}

/** The labels of a name at the start of `question`. */
export function labelsOf(question: Buffer): string[] {
  const labels: string[] = [];
  let at = 0;
  for (let length = question[0] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('utf8', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels;
}

/** Reads OPT; undefined without one. Skips other records and ignores bytes after the last. */
function readAdditionals(packet: Buffer, from: number, count: number): Query['edns'] | typeof malformed {
  let edns: Query['edns'];
  let at = from;
  for (let record = 0; record < count; record++) {
    const owner = at;
    at = skipName(packet, at);
    if (at < 0 || at + 10 > packet.length) return malformed;
    const type = packet.readUInt16BE(at);
    if (type === types.OPT) {
      // At most one, with the root as its owner (RFC 6891 §6.1.1, §6.1.2).
      if (edns !== undefined || at !== owner + 1) return malformed;
      edns = { bytesMax: packet.readUInt16BE(at + 2), version: packet[at + 5] as number };
    }
    at += 10 + packet.readUInt16BE(at + 8);
    if (at > packet.length) return malformed;
  }
  return edns;
}

/** The position after a name, which a pointer may end; -1 when it is malformed. */
function skipName(packet: Buffer, from: number): number {
  for (let at = from; ;) {
    const length = packet[at];
    if (length === undefined) return -1;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return -1;
    at += 1 + length;
  }
}
