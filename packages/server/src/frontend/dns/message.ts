/**
 * Writes answers: records into bytes, names compressed (RFC 1035 §4.1.4), cut to the room there is.
 *
 * Names are compressed where RFC 1035 allows it: as owners, and in the data of the types that it
 * defines. In SRV the target is written in full (RFC 2782), but later names may point to it.
 * The bytes are the same for all clients with the same question; `complete` makes it one client's answer.
 */

import { headerBytes, labelsOf, typeAndClassBytes } from './query-reader.ts';
import { asAsked, classes, types, type Entry, type ResourceRecord } from './records.ts';
import { tcpBytesMax, type Room } from './limits.ts';

/**
 * An answer without what belongs to one client: its id, its flags, its spelling of the name. One
 * without answer records is good for every name of the same length in the same domain, since names
 * are referred to by where they stand.
 */
export interface Template {
  readonly bytes: Buffer;
  /** How many of them it takes. */
  readonly length: number;
  /** Where the serial number of the SOA stands; 0 when there is none. */
  readonly serialAt: number;
}

export interface Envelope {
  readonly rcode: number;
  /** AA (RFC 1035 §4.1.1): it comes from the registry, and not from another server. */
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  /** How many entries there are. */
  readonly count: number;
  /** TC when entries are left out for want of room. It is always set when there is room for none. */
  readonly tellWhenCut: boolean;
  /** The size of packets that OPT says we take. */
  readonly ednsBytes: number;
}

export interface Reply extends Envelope {
  /** In the order in which they are sent; no more of them are taken than have room. */
  readonly entries: Iterable<Entry>;
  readonly authority?: ResourceRecord;
}

/** No record without text is longer: owner and data have at most two names of 255 bytes and 32 bytes. */
const recordBytesMax = 1_024;

/** OPT: root, type, size, extended rcode and version and flags, no options. */
export const optBytes = 11;

/** Pointers have 14 bits. */
export const pointableEnd = 0x4000;

/** RFC 2308 §5 wants the SOA for the time that "no" may be kept; these are Consul's numbers. */
const soaTimes = [3_600, 600, 86_400, 0] as const;

const flag = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionAvailable: 0x0080 } as const;

export class MessageWriter {
  readonly #bytes = Buffer.alloc(tcpBytesMax + recordBytesMax);
  /** Where each name that has been written starts; only what a pointer can reach. */
  readonly #names = new Map<string, number>();
  #at = 0;
  #serialAt = 0;

  /** @param question as `QueryReader.question` gives it */
  write(question: Buffer, reply: Reply, room: Room): Template {
    this.#begin(question);
    const bytesMax = room.bytesMax - (room.edns ? optBytes : 0);
    const along = new Map<string, ResourceRecord>();
    let alongBytes = 0;
    let answers = 0;
    for (const entry of reply.entries) {
      if (answers === room.recordsMax) break;
      const mark = this.#at;
      if (!this.#writeRecord(entry.record, bytesMax - alongBytes)) break;
      const extra = entry.along.filter((record) => !along.has(identity(record)));
      const extraBytes = extra.reduce((sum, record) => sum + this.#bytesOf(record), 0);
      if (this.#at + alongBytes + extraBytes > bytesMax) {
        this.#forgetFrom(mark);
        break;
      }
      alongBytes += extraBytes;
      for (const record of extra) along.set(identity(record), record);
      answers++;
    }
    const authorities = reply.authority !== undefined && this.#writeRecord(reply.authority, bytesMax) ? 1 : 0;
    let additionals = 0;
    for (const record of along.values()) if (this.#writeRecord(record, bytesMax)) additionals++;
    if (room.edns) {
      this.#at = writeOpt(this.#bytes, this.#at, reply);
      additionals++;
    }

    writeHeader(this.#bytes, reply, { answers, authorities, additionals });
    return { bytes: Buffer.from(this.#bytes.subarray(0, this.#at)), length: this.#at, serialAt: this.#serialAt };
  }

  /**
   * A record as it is anywhere in an answer: the name that was asked for, or a pointer that is still to be set, and in SRV the
   * target in full.
   */
  piece(record: ResourceRecord): Buffer {
    this.#names.clear();
    this.#at = 0;
    this.#writeRecord({ ...record, owner: asAsked }, this.#bytes.length);
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  #begin(question: Buffer): void {
    this.#names.clear();
    this.#serialAt = 0;
    question.copy(this.#bytes, headerBytes);
    this.#at = headerBytes + question.length;
    const labels = labelsOf(question);
    let at = this.#at - 4 - 1;
    let name = '';
    for (const label of labels.toReversed()) {
      // A label may hold any byte, even a dot, which would be taken for two labels; ours do not.
      if (!/^[\w-]+$/.test(label)) break;
      at -= 1 + label.length;
      name = name === '' ? label : `${label}.${name}`;
      this.#names.set(name, at);
    }
  }

  /** False when it does not fit; nothing is written then. */
  #writeRecord(record: ResourceRecord, end: number): boolean {
    const mark = this.#at;
    if (mark + recordBytesMax + textBytes(record) > this.#bytes.length) return false;
    if (record.owner === asAsked) this.#u16(0xc000 | headerBytes);
    else this.#name(record.owner);
    this.#u16(types[record.type]);
    this.#u16(classes.IN);
    this.#u32(record.ttl);
    const lengthAt = this.#at;
    this.#u16(0);
    this.#data(record);
    this.#bytes.writeUInt16BE(this.#at - lengthAt - 2, lengthAt);
    if (this.#at <= end) return true;
    this.#forgetFrom(mark);
    return false;
  }

  #data(record: ResourceRecord): void {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        this.#at += this.#bytes.write(record.address, this.#at, 'hex');
        break;
      case 'CNAME':
      case 'NS':
      case 'PTR':
        this.#name(record.target);
        break;
      case 'SRV':
        // Consul's priority is always 1.
        for (const word of [1, record.weight, record.port]) this.#u16(word);
        this.#nameInFull(record.target);
        break;
      case 'TXT':
        this.#text(Buffer.from(record.text));
        break;
      case 'SOA':
        this.#name(record.server);
        this.#name(record.mailbox);
        this.#serialAt = this.#at;
        for (const number of [0, ...soaTimes]) this.#u32(number);
        break;
    }
  }

  /** Strings of at most 255 bytes each (RFC 1035 §3.3.14); the reader joins them. */
  #text(text: Buffer): void {
    let from = 0;
    do {
      const part = text.subarray(from, from + 255);
      this.#bytes[this.#at++] = part.length;
      this.#at += part.copy(this.#bytes, this.#at);
      from += 255;
    } while (from < text.length);
  }

  /** With a pointer for as much of its end as has been written before. */
  #name(name: string): void {
    for (let rest = name; rest !== ''; rest = parent(rest)) {
      const known = this.#names.get(rest);
      if (known !== undefined) {
        this.#u16(0xc000 | known);
        return;
      }
      this.#label(rest);
    }
    this.#bytes[this.#at++] = 0;
  }

  #nameInFull(name: string): void {
    for (let rest = name; rest !== ''; rest = parent(rest)) this.#label(rest);
    this.#bytes[this.#at++] = 0;
  }

  /** The first label of `name`, which later names can point to. */
  #label(name: string): void {
    if (this.#at < pointableEnd && !this.#names.has(name)) this.#names.set(name, this.#at);
    const end = name.indexOf('.');
    const length = this.#bytes.write(end < 0 ? name : name.slice(0, end), this.#at + 1, 'latin1');
    this.#bytes[this.#at] = length;
    this.#at += 1 + length;
  }

  /** What a record of an address takes; when it is written later it may be less, but not more. */
  #bytesOf(record: ResourceRecord): number {
    const bytes = 10 + (record.type === 'AAAA' ? 16 : 4);
    if (record.owner === asAsked) return bytes + 2;
    for (let rest = record.owner; rest !== ''; rest = parent(rest)) {
      if (this.#names.has(rest)) return bytes + record.owner.length - rest.length + 2;
    }
    return bytes + record.owner.length + 2;
  }

  #forgetFrom(mark: number): void {
    this.#at = mark;
    for (const [name, at] of this.#names) if (at >= mark) this.#names.delete(name);
  }

  #u16(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  #u32(value: number): void {
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }
}

/** @param bytes of the whole answer */
export function writeHeader(
  bytes: Buffer,
  { rcode, authoritative, recursionAvailable, count, tellWhenCut }: Envelope,
  { answers, authorities, additionals }: { readonly answers: number; readonly authorities: number; readonly additionals: number },
): void {
  const cut = answers < count;
  const flags =
    flag.response |
    (authoritative ? flag.authoritative : 0) |
    (cut && (answers === 0 || tellWhenCut) ? flag.truncated : 0) |
    (recursionAvailable ? flag.recursionAvailable : 0) |
    (rcode & 0x0f);
  bytes.writeUInt32BE(flags, 0);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(answers, 6);
  bytes.writeUInt16BE(authorities, 8);
  bytes.writeUInt16BE(additionals, 10);
}

/** @returns where it ends */
export function writeOpt(bytes: Buffer, start: number, { ednsBytes, rcode }: Envelope): number {
  bytes[start] = 0;
  let at = bytes.writeUInt16BE(types.OPT, start + 1);
  at = bytes.writeUInt16BE(ednsBytes, at);
  at = bytes.writeUInt32BE((rcode >> 4) << 24, at);
  return bytes.writeUInt16BE(0, at);
}

/**
 * One client's answer: its id, its wishes as to recursion and checking, its question in its spelling
 * (draft-vixie-dnsext-dns0x20: who forges an answer would have to guess it).
 *
 * @param nameEnd end of the name in the query
 * @param framed with its length before it, as over TCP (RFC 1035 §4.2.2)
 */
export function complete(
  template: Template,
  query: Buffer,
  nameEnd: number,
  serial: number,
  framed: boolean,
): Buffer {
  const { bytes, length, serialAt } = template;
  const lead = framed ? 2 : 0;
  const answer = Buffer.allocUnsafe(lead + length);
  if (framed) answer.writeUInt16BE(length, 0);
  bytes.copy(answer, lead, 0, length);
  answer[lead] = query[0] as number;
  answer[lead + 1] = query[1] as number;
  // RD and CD come back as they were sent (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
  answer[lead + 2] = (answer[lead + 2] as number) | ((query[2] as number) & 0x01);
  answer[lead + 3] = (answer[lead + 3] as number) | ((query[3] as number) & 0x10);
  // Byte by byte: a copy of a part makes a view of it first, which takes longer than 20 bytes.
  for (let at = headerBytes; at < nameEnd + typeAndClassBytes; at++) answer[lead + at] = query[at] as number;
  if (serialAt > 0) answer.writeUInt32BE(serial >>> 0, lead + serialAt);
  return answer;
}

/** The answer to a query of which nothing but the header could be understood: a header. */
export function refuse(query: Buffer, rcode: number, framed: boolean): Buffer {
  const lead = framed ? 2 : 0;
  const answer = Buffer.alloc(lead + headerBytes);
  if (framed) answer.writeUInt16BE(headerBytes, 0);
  query.copy(answer, lead, 0, 2);
  // The operation and RD come back, too.
  answer[lead + 2] = 0x80 | ((query[2] as number) & 0x79);
  answer[lead + 3] = rcode & 0x0f;
  return answer;
}

function parent(name: string): string {
  const end = name.indexOf('.');
  return end < 0 ? '' : name.slice(end + 1);
}

/** Two records of this identity say the same. Only records of addresses are sent along. */
function identity(record: ResourceRecord): string {
  return `${record.type} ${String(record.owner)} ${'address' in record ? record.address : ''}`;
}

function textBytes(record: ResourceRecord): number {
  if (record.type !== 'TXT') return 0;
  const bytes = Buffer.byteLength(record.text);
  return bytes + Math.ceil(bytes / 255);
}
