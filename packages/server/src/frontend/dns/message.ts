/**
 * Encodes answers, with compressed names (RFC 1035 §4.1.4), up to the size that the client accepts.
 *
 * Names are compressed where RFC 1035 allows it: as owners, and in the data of the types that it defines. The target of
 * SRV is written in full (RFC 2782), but later names may point to it. An encoded answer is the same for all clients that ask
 * the same; `complete` adds the id, flags and spelling of one client.
 */

import { headerBytes, labelsOf, typeAndClassBytes } from './query-reader.ts';
import { asAsked, classes, types, type Entry, type ResourceRecord } from './records.ts';
import { tcpBytesMax, type Room } from './limits.ts';

/**
 * An answer without the id, flags and spelling of one client. Without answer records it fits every name of the same length in the
 * same domain, since pointers refer to names by position.
 */
export interface Template {
  readonly bytes: Buffer;
  /** Bytes that are used. */
  readonly length: number;
  /** Position of the serial number of the SOA; 0 without SOA. */
  readonly serialAt: number;
}

export interface Envelope {
  readonly rcode: number;
  /** AA (RFC 1035 §4.1.1): the answer comes from the registry, not from another server. */
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  /** Number of entries. */
  readonly count: number;
  /** Whether to set TC when some entries do not fit. It is always set when none fits. */
  readonly tellWhenCut: boolean;
  /** The size of packets that OPT announces. */
  readonly ednsBytes: number;
}

export interface Reply extends Envelope {
  /** In the order of sending; read only as far as they fit. */
  readonly entries: Iterable<Entry>;
  readonly authority?: ResourceRecord;
}

/** Longest record without text: two names of 255 bytes in owner and data, and 32 bytes. */
const recordBytesMax = 1_024;

/** OPT: root, type, size, extended rcode and version and flags, no options. */
export const optBytes = 11;

/** Pointers have 14 bits. */
export const pointableEnd = 0x4000;

/** The SOA says how long a negative answer may be kept (RFC 2308 §5). These are Consul's numbers. */
const soaTimes = [3_600, 600, 86_400, 0] as const;

const flag = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionAvailable: 0x0080 } as const;

export class MessageWriter {
  readonly #bytes = Buffer.alloc(tcpBytesMax + recordBytesMax);
  /** Positions of the names that were written, as far as a pointer reaches. */
  readonly #names = new Map<string, number>();
  #at = 0;
  #serialAt = 0;

  /** @param question from `QueryReader.question` */
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
   * Encodes a record so that it fits any position of an answer: its owner is the question or a pointer to be set later, and an SRV
   * target is written in full.
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
      // A label may contain any byte. One with a dot would read as two labels here; our own have none.
      if (!/^[\w-]+$/.test(label)) break;
      at -= 1 + label.length;
      name = name === '' ? label : `${label}.${name}`;
      this.#names.set(name, at);
    }
  }

  /** @returns false, without writing, when the entry does not fit */
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
        // As in Consul.
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

  /** Strings of at most 255 bytes (RFC 1035 §3.3.14); the reader joins them. */
  #text(text: Buffer): void {
    let from = 0;
    do {
      const part = text.subarray(from, from + 255);
      this.#bytes[this.#at++] = part.length;
      this.#at += part.copy(this.#bytes, this.#at);
      from += 255;
    } while (from < text.length);
  }

  /** Writes a name, with a pointer to the longest end of it that was written before. */
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

  /** Writes the first label of `name`; later names can point to it. */
  #label(name: string): void {
    if (this.#at < pointableEnd && !this.#names.has(name)) this.#names.set(name, this.#at);
    const end = name.indexOf('.');
    const length = this.#bytes.write(end < 0 ? name : name.slice(0, end), this.#at + 1, 'latin1');
    this.#bytes[this.#at] = length;
    this.#at += 1 + length;
  }

  /** The most bytes that an address record will take when it is written later. */
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

/** @returns the position after it */
export function writeOpt(bytes: Buffer, start: number, { ednsBytes, rcode }: Envelope): number {
  bytes[start] = 0;
  let at = bytes.writeUInt16BE(types.OPT, start + 1);
  at = bytes.writeUInt16BE(ednsBytes, at);
  at = bytes.writeUInt32BE((rcode >> 4) << 24, at);
  return bytes.writeUInt16BE(0, at);
}

/**
 * Completes an answer for one client: its id, its flags RD and CD, and its spelling of the question (draft-vixie-dnsext-dns0x20:
 * a forged answer would have to guess the spelling).
 *
 * @param nameEnd end of the name in the query
 * @param framed whether the length comes first, as over TCP (RFC 1035 §4.2.2)
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
  // RD and CD are copied from the query (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
  answer[lead + 2] = (answer[lead + 2] as number) | ((query[2] as number) & 0x01);
  answer[lead + 3] = (answer[lead + 3] as number) | ((query[3] as number) & 0x10);
  // Byte by byte: `subarray` and `set` take longer for names of about 20 bytes.
  for (let at = headerBytes; at < nameEnd + typeAndClassBytes; at++) answer[lead + at] = query[at] as number;
  if (serialAt > 0) answer.writeUInt32BE(serial >>> 0, lead + serialAt);
  return answer;
}

/** The answer to a query of which only the header is valid: a header. */
export function refuse(query: Buffer, rcode: number, framed: boolean): Buffer {
  const lead = framed ? 2 : 0;
  const answer = Buffer.alloc(lead + headerBytes);
  if (framed) answer.writeUInt16BE(headerBytes, 0);
  query.copy(answer, lead, 0, 2);
  // The operation and RD are copied from the query.
  answer[lead + 2] = 0x80 | ((query[2] as number) & 0x79);
  answer[lead + 3] = rcode & 0x0f;
  return answer;
}

function parent(name: string): string {
  const end = name.indexOf('.');
  return end < 0 ? '' : name.slice(end + 1);
}

/** Equal for address records that say the same. */
function identity(record: ResourceRecord): string {
  return `${record.type} ${String(record.owner)} ${'address' in record ? record.address : ''}`;
}

function textBytes(record: ResourceRecord): number {
  if (record.type !== 'TXT') return 0;
  const bytes = Buffer.byteLength(record.text);
  return bytes + Math.ceil(bytes / 255);
}
