/**
 * One packet in, one packet out: finds the encoded answer to a query, or makes and keeps it. It knows no sockets and never
 * waits: a question about an address that comes before the addresses are read is told to wait.
 *
 *     packet ─ read ─ key ─► kept? ─ yes ─ stamp as before? ─ yes ───────────► complete
 *                             │ no               │ no                             ▲
 *                             └──────► parse name ─ subject ─ resolve ─┬─ encode ─┤
 *                                                                      └── "no" ──┘
 *
 * While the registry does not change, a kept answer costs one lookup; after a change, one comparison of stamps as well.
 * Instances are shuffled for every answer (`shuffled-answer.ts`). Negative answers are kept by the length of the name, on
 * which alone their bytes depend, and not by name: however many wrong names clients ask for, they take no memory and
 * nothing is encoded for them.
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Registry } from '../../registry/registry.ts';
import { openAccess, type NameAccess } from './access.ts';
import { Directory } from './directory.ts';
import { roomOf, shapeOf, tcpBytesMax, type Room, type UdpLimits } from './limits.ts';
import { MessageWriter, complete, refuse, type Reply, type Template } from './message.ts';
import { parseName, type Asked } from './names.ts';
import { QueryReader, headerBytes, type Query } from './query-reader.ts';
import { classes, rcodes, types, type Entry, type Found } from './records.ts';
import { resolve, soaOf } from './resolve.ts';
import { ShuffledAnswer } from './shuffled-answer.ts';
import type { Zone } from './zone.ts';

export interface ResponderOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly zone: Zone;
  readonly limits: UdpLimits;
  /** Whether to set TC when only some of the instances fit: Consul's `enable_truncate`. */
  readonly tellWhenCut: boolean;
  /** Whether recursors answer for other domains. */
  readonly recursion: boolean;
  readonly random: () => number;
  /** Decides what may be told; everything by default. */
  readonly access?: NameAccess;
}

/** All that an answer depends on, apart from the query. */
export interface Client {
  /** Most bytes of an answer over UDP, even if a query announces more. */
  readonly ednsMax: number;
  readonly address: string;
}

const anyClient: Client = { ednsMax: Infinity, address: '' };

/** A query that was read, and what its answer depends on. */
interface Question {
  readonly query: Query;
  readonly shape: number;
  readonly key: string;
  readonly framed: boolean;
  /** Whether the token of DNS was found: without it, nothing may be told. */
  readonly admitted: boolean;
  readonly address: string;
}

/** A packet to send, or what to do instead of sending one; `needs-addresses`: respond once `prepareAddresses` is done. */
export type Response = Buffer | 'silence' | 'ask-elsewhere' | 'needs-addresses';

interface KeptAnswer {
  readonly asked: Asked;
  readonly stamp: string;
  /** An answer with several instances is shuffled each time it is sent. */
  readonly encoded: Template | ShuffledAnswer;
  readonly weight: number;
  /** Revision of the registry at the last comparison of the stamp; -1 to compare it every time. */
  goodAt: number;
  /** Epoch of the access at that time. */
  epoch: number;
}

/** Memory for answers: some ten thousand of usual size. An answer that takes more than half of it is not kept. */
const answerBytesMax = 16_777_216;

export class Responder {
  readonly #options: ResponderOptions;
  readonly #domain: readonly string[];
  readonly #directory: Directory;
  readonly #access: NameAccess;
  readonly #reader = new QueryReader();
  readonly #writer = new MessageWriter();
  /** Shuffled answers are written here. */
  readonly #scratch = Buffer.alloc(tcpBytesMax);
  readonly #answers = new LRUCache<string, KeptAnswer>({
    maxSize: answerBytesMax,
    maxEntrySize: answerBytesMax / 2,
    sizeCalculation: ({ weight }) => weight,
  });
  /** Answers without records, by rcode, zone, EDNS and length of the name. */
  readonly #negatives = new Map<number, Template>();
  /** Packets answered, by rcode. */
  readonly answered: number[] = Array<number>(rcodes.BADVERS + 1).fill(0);
  encodings = 0;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#domain = options.zone.domain.split('.');
    this.#access = options.access ?? openAccess();
    this.#directory = new Directory(options.registry, options.clock, options.zone, this.#access);
  }

  /** Fills the index that lookups by name need. Await it before the first question. */
  prepare(): Promise<void> {
    this.#access.refresh();
    return this.#directory.prepare();
  }

  /** Fills the index that the first question about an address needs. */
  prepareAddresses(): Promise<void> {
    return this.#directory.prepareAddresses();
  }

  /** Stops following the registry. */
  close(): void {
    this.#directory.close();
  }

  /** Approximate bytes of memory of the kept answers. */
  get keptBytes(): number {
    return this.#answers.calculatedSize;
  }

  /**
   * @param packet one query; over TCP without the two bytes of its length, with which an answer begins
   */
  respond(packet: Buffer, udp: boolean, client: Client = anyClient): Response {
    const framed = !udp;
    const reading = this.#reader.read(packet);
    if (reading.kind === 'silence') return 'silence';
    if (reading.kind === 'refusal') {
      this.#count(reading.rcode);
      return refuse(packet, reading.rcode, framed);
    }
    const { query } = reading;
    const shape = shapeOf(udp, query.edns && Math.min(query.edns.bytesMax, client.ednsMax), this.#options.limits);
    const rcode = refusalOf(query);
    if (rcode !== rcodes.NOERROR) return this.#negative(packet, query, shape, rcode, 'refused', framed);

    const admitted = this.#access.refresh();
    const key = this.#reader.key(shape);
    const kept = admitted ? this.#answers.get(key) : undefined;
    if (kept !== undefined && this.#isGood(kept)) return this.#send(packet, query, kept, framed);
    return this.#find(packet, { query, shape, key, framed, admitted, address: client.address });
  }

  /** SERVFAIL: for a query that the recursors did not answer, or that failed here. */
  fail(packet: Buffer, udp: boolean): Buffer {
    const reading = this.#reader.read(packet);
    if (reading.kind !== 'query') return refuse(packet, rcodes.SERVFAIL, !udp);
    const shape = shapeOf(udp, reading.query.edns?.bytesMax, this.#options.limits);
    return this.#negative(packet, reading.query, shape, rcodes.SERVFAIL, 'refused', !udp);
  }

  #isGood(held: KeptAnswer): boolean {
    const { revision } = this.#options.registry.state;
    const { epoch } = this.#access;
    if (held.goodAt === revision && held.epoch === epoch) return true;
    const subject = this.#directory.subjectOf(held.asked);
    if (subject?.stamp !== held.stamp) return false;
    held.goodAt = subject.behind ? -1 : revision;
    held.epoch = epoch;
    return true;
  }

  /** Looks the answer up, and keeps it unless it depends on the client. */
  #find(packet: Buffer, { query, shape, key, framed, admitted, address }: Question): Response {
    const { registry, zone, recursion } = this.#options;
    const labels = this.#reader.labels();
    const asked = parseName(labels, query.type, this.#domain);
    if (asked.kind === 'foreign') {
      return recursion ? 'ask-elsewhere' : this.#negative(packet, query, shape, rcodes.REFUSED, 'refused', framed);
    }
    if (!admitted) return this.#negative(packet, query, shape, rcodes.SERVFAIL, 'refused', framed);
    const subject = this.#directory.subjectOf(asked, address);
    if (subject === undefined) return 'needs-addresses';
    if (recursion && subject.kind === 'reverse' && subject.holder === undefined) return 'ask-elsewhere';
    const found = resolve(zone, subject, query.type);
    this.#answers.delete(key);
    if (found.kind !== 'answer') {
      const rcode = found.kind === 'name-error' ? rcodes.NXDOMAIN : rcodes.NOERROR;
      return this.#negative(packet, query, shape, rcode, subject.kind === 'reverse' ? 'reverse' : 'own', framed);
    }
    const encoded = this.#encoded(this.#reader.question(), found, shape);
    const goodAt = subject.behind ? -1 : registry.state.revision;
    const held: KeptAnswer = { asked, stamp: subject.stamp, encoded, weight: weightOf(encoded) + key.length, goodAt, epoch: this.#access.epoch };
    if (subject.kind !== 'service' || subject.personal !== true) this.#answers.set(key, held);
    return this.#send(packet, query, held, framed);
  }

  #send(packet: Buffer, query: Query, { encoded }: KeptAnswer, framed: boolean): Buffer {
    this.#count(rcodes.NOERROR);
    return complete(encoded instanceof ShuffledAnswer ? encoded.next() : encoded, packet, query.nameEnd, this.#options.registry.state.revision, framed);
  }

  #encoded(question: Buffer, found: Extract<Found, { kind: 'answer' }>, shape: number): Template | ShuffledAnswer {
    const { limits, random, recursion } = this.#options;
    const { count, entry, choice, sorted = false } = found;
    const whole = roomOf(shape, limits);
    // An answer that is not a choice would be wrong without some of its records, so only its bytes are limited.
    const room = choice ? whole : { ...whole, recordsMax: Infinity };
    const tellWhenCut = this.#options.tellWhenCut || !choice;
    const reply = { rcode: rcodes.NOERROR, authoritative: true, count, tellWhenCut };
    if (!choice || sorted || count === 1) return this.#write(question, { ...reply, entries: inOrder(found) }, room);
    return new ShuffledAnswer({
      envelope: { ...reply, recursionAvailable: recursion, ednsBytes: limits.udpBytesMax },
      ...{ entry, room, random, scratch: this.#scratch, questionBytes: question.length },
      encode: (record) => this.#writer.piece(record),
      onEncoded: () => this.encodings++,
    });
  }

  /** An answer without records. @param zone of the name; `refused` is none of ours, and has no SOA */
  #negative(packet: Buffer, query: Query, shape: number, rcode: number, zone: NegativeZone, framed: boolean): Buffer {
    const room = roomOf(shape, this.#options.limits);
    const kind = (rcode << 4) | (negativeZones.indexOf(zone) << 1) | (room.edns ? 1 : 0);
    const dependsOn = (kind << 8) | (query.nameEnd - headerBytes);
    let template = this.#negatives.get(dependsOn);
    if (template === undefined) {
      const authoritative = zone !== 'refused';
      const soa = authoritative ? { authority: soaOf(this.#options.zone) } : {};
      const reply = { rcode, authoritative, tellWhenCut: false, entries: [], count: 0, ...soa };
      template = this.#write(this.#reader.question(), reply, room);
      this.#negatives.set(dependsOn, template);
    }
    this.#count(rcode);
    return complete(template, packet, query.nameEnd, this.#options.registry.state.revision, framed);
  }

  #write(question: Buffer, reply: Omit<Reply, 'recursionAvailable' | 'ednsBytes'>, room: Room): Template {
    const { limits, recursion } = this.#options;
    this.encodings++;
    const whole = { ...reply, recursionAvailable: recursion, ednsBytes: limits.udpBytesMax };
    return this.#writer.write(question, whole, room);
  }

  #count(rcode: number): void {
    this.answered[rcode] = (this.answered[rcode] ?? 0) + 1;
  }
}

function* inOrder({ count, entry }: Extract<Found, { kind: 'answer' }>): Iterable<Entry> {
  for (let at = 0; at < count; at++) yield entry(at);
}

function weightOf(encoded: Template | ShuffledAnswer): number {
  return encoded instanceof ShuffledAnswer ? encoded.weight : encoded.length + 500;
}

const negativeZones = ['own', 'reverse', 'refused'] as const;
type NegativeZone = (typeof negativeZones)[number];

/** The rcode of a query that is refused for any name; otherwise NOERROR. */
function refusalOf(query: Query): number {
  // RFC 6891 §6.1.3: there is no version after 0 yet.
  if (query.edns !== undefined && query.edns.version > 0) return rcodes.BADVERS;
  if (query.class !== classes.IN && query.class !== classes.ANY) return rcodes.REFUSED;
  // A transfer of the zone would list all services.
  if (query.type === types.AXFR || query.type === types.IXFR) return rcodes.NOTIMP;
  return rcodes.NOERROR;
}
