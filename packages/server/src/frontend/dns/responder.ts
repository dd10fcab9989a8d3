/**
 * One packet in, one packet out: finds the encoded answer to a query, or makes and keeps it. Knows
 * nothing of sockets, and waits for nothing.
 *
 *     packet ─ read ─ key ─► kept? ─ yes ─ stamp as before? ─ yes ───────────► complete
 *                             │ no               │ no                             ▲
 *                             └──────► parse name ─ subject ─ resolve ─┬─ encode ─┤
 *                                                                      └── "no" ──┘
 *
 * While the registry does not change a kept answer costs one lookup; after a change, one comparison
 * of stamps. Choices are shuffled for every answer (`shuffled.ts`). "No" is not kept by name, of which there
 * is no end, but by the length of the name, on which alone its bytes depend: a storm of wrong names needs no
 * memory and encodes nothing.
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
import { Shuffled } from './shuffled.ts';
import type { Zone } from './zone.ts';

export interface ResponderOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly zone: Zone;
  readonly limits: UdpLimits;
  /** TC also when only a part of a choice is sent: Consul's `enable_truncate`. */
  readonly tellWhenCut: boolean;
  /** Whether another server answers for other domains. */
  readonly recursion: boolean;
  readonly random: () => number;
  /** What may be told; everything by default. */
  readonly access?: NameAccess;
}

/** Who asks, as far as that shapes an answer. */
export interface Client {
  /** Most bytes of an answer over UDP, whatever a query announces. */
  readonly ednsMax: number;
  readonly address: string;
}

const anyClient: Client = { ednsMax: Infinity, address: '' };

/** What there is to know of a packet before its answer is looked for. */
interface Question {
  readonly query: Query;
  readonly shape: number;
  readonly key: string;
  readonly framed: boolean;
  /** The right to be told anything was found. */
  readonly admitted: boolean;
  readonly address: string;
}

/** A packet to send, or what to do instead. */
export type Response = Buffer | 'silence' | 'ask-elsewhere';

/** An answer that is kept. */
interface Held {
  readonly asked: Asked;
  readonly stamp: string;
  /** A choice of several is put together anew for every client. */
  readonly encoded: Template | Shuffled;
  readonly weight: number;
  /** Revision of the registry at which the stamp was compared last; -1: compare it every time. */
  goodAt: number;
  /** That of the access then. */
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
  /** Answers with a choice are put together here. */
  readonly #scratch = Buffer.alloc(tcpBytesMax);
  readonly #answers = new LRUCache<string, Held>({
    maxSize: answerBytesMax,
    maxEntrySize: answerBytesMax / 2,
    sizeCalculation: ({ weight }) => weight,
  });
  /** Answers without records, by what they depend on. */
  readonly #noes = new Map<number, Template>();
  /** Packets answered, by rcode. */
  readonly answered: number[] = Array<number>(rcodes.BADVERS + 1).fill(0);
  encodings = 0;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#domain = options.zone.domain.split('.');
    this.#access = options.access ?? openAccess();
    this.#directory = new Directory(options.registry, options.clock, options.zone, this.#access);
  }

  /** Builds what the first questions would otherwise have to; to be awaited before the first. */
  prepare(): Promise<void> {
    this.#access.refresh();
    return this.#directory.prepare();
  }

  /** Follows the registry no longer. */
  close(): void {
    this.#directory.close();
  }

  /** Bytes of memory that kept answers take, about. */
  get keptBytes(): number {
    return this.#answers.calculatedSize;
  }

  /**
   * @param packet one query; over TCP without its length, which the answer has
   * @param client who asks
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
    if (rcode !== rcodes.NOERROR) return this.#no(packet, query, shape, rcode, 'refused', framed);

    const admitted = this.#access.refresh();
    const key = this.#reader.key(shape);
    const kept = admitted ? this.#answers.get(key) : undefined;
    if (kept !== undefined && this.#isGood(kept)) return this.#send(packet, query, kept, framed);
    return this.#find(packet, { query, shape, key, framed, admitted, address: client.address });
  }

  /** What to say when no other server could be asked, or something broke here. */
  fail(packet: Buffer, udp: boolean): Buffer {
    const reading = this.#reader.read(packet);
    if (reading.kind !== 'query') return refuse(packet, rcodes.SERVFAIL, !udp);
    const shape = shapeOf(udp, reading.query.edns?.bytesMax, this.#options.limits);
    return this.#no(packet, reading.query, shape, rcodes.SERVFAIL, 'refused', !udp);
  }

  #isGood(held: Held): boolean {
    const { revision } = this.#options.registry.state;
    const { epoch } = this.#access;
    if (held.goodAt === revision && held.epoch === epoch) return true;
    const { stamp, behind } = this.#directory.subjectOf(held.asked);
    if (stamp !== held.stamp) return false;
    held.goodAt = behind ? -1 : revision;
    held.epoch = epoch;
    return true;
  }

  /** @param admitted false when it is unknown what may be told: the default token is gone */
  #find(packet: Buffer, { query, shape, key, framed, admitted, address }: Question): Response {
    const { registry, zone, recursion } = this.#options;
    const labels = this.#reader.labels();
    const asked = parseName(labels, query.type, this.#domain);
    if (asked.kind === 'foreign') {
      return recursion ? 'ask-elsewhere' : this.#no(packet, query, shape, rcodes.REFUSED, 'refused', framed);
    }
    if (!admitted) return this.#no(packet, query, shape, rcodes.SERVFAIL, 'refused', framed);
    const subject = this.#directory.subjectOf(asked, address);
    if (recursion && subject.kind === 'reverse' && subject.holder === undefined) return 'ask-elsewhere';
    const found = resolve(zone, subject, query.type);
    this.#answers.delete(key);
    if (found.kind !== 'answer') {
      const rcode = found.kind === 'name-error' ? rcodes.NXDOMAIN : rcodes.NOERROR;
      return this.#no(packet, query, shape, rcode, subject.kind === 'reverse' ? 'reverse' : 'own', framed);
    }
    const encoded = this.#encoded(this.#reader.question(), found, shape);
    const goodAt = subject.behind ? -1 : registry.state.revision;
    const held: Held = { asked, stamp: subject.stamp, encoded, weight: weightOf(encoded) + key.length, goodAt, epoch: this.#access.epoch };
    if (subject.kind !== 'service' || subject.personal !== true) this.#answers.set(key, held);
    return this.#send(packet, query, held, framed);
  }

  #send(packet: Buffer, query: Query, { encoded }: Held, framed: boolean): Buffer {
    this.#count(rcodes.NOERROR);
    return complete(encoded instanceof Shuffled ? encoded.next() : encoded, packet, query.nameEnd, this.#options.registry.state.revision, framed);
  }

  #encoded(question: Buffer, found: Extract<Found, { kind: 'answer' }>, shape: number): Template | Shuffled {
    const { limits, random, recursion } = this.#options;
    const { count, entry, choice, sorted = false } = found;
    const whole = roomOf(shape, limits);
    // What is no choice is wrong without what is missing, so only bytes limit it.
    const room = choice ? whole : { ...whole, recordsMax: Infinity };
    const tellWhenCut = this.#options.tellWhenCut || !choice;
    const reply = { rcode: rcodes.NOERROR, authoritative: true, count, tellWhenCut };
    if (!choice || sorted || count === 1) return this.#write(question, { ...reply, entries: inOrder(found) }, room);
    return new Shuffled({
      envelope: { ...reply, recursionAvailable: recursion, ednsBytes: limits.udpBytesMax },
      ...{ entry, room, random, scratch: this.#scratch, questionBytes: question.length },
      encode: (record) => this.#writer.piece(record),
      onEncoded: () => this.encodings++,
    });
  }

  /** @param zone whose "no" it is: our domain's, the reverse tree's, or of no zone, which comes without SOA */
  #no(packet: Buffer, query: Query, shape: number, rcode: number, zone: No, framed: boolean): Buffer {
    const room = roomOf(shape, this.#options.limits);
    const kind = (rcode << 4) | (noes.indexOf(zone) << 1) | (room.edns ? 1 : 0);
    const dependsOn = (kind << 8) | (query.nameEnd - headerBytes);
    let template = this.#noes.get(dependsOn);
    if (template === undefined) {
      const authoritative = zone !== 'refused';
      const soa = authoritative ? { authority: soaOf(this.#options.zone) } : {};
      const reply = { rcode, authoritative, tellWhenCut: false, entries: [], count: 0, ...soa };
      template = this.#write(this.#reader.question(), reply, room);
      this.#noes.set(dependsOn, template);
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

function weightOf(encoded: Template | Shuffled): number {
  return encoded instanceof Shuffled ? encoded.weight : encoded.length + 500;
}

const noes = ['own', 'reverse', 'refused'] as const;
type No = (typeof noes)[number];

/** What is refused whatever the name; NOERROR when nothing is. */
function refusalOf(query: Query): number {
  // RFC 6891 §6.1.3: there is no version after 0 yet.
  if (query.edns !== undefined && query.edns.version > 0) return rcodes.BADVERS;
  if (query.class !== classes.IN && query.class !== classes.ANY) return rcodes.REFUSED;
  // Everything at once would be a list of all services for every client.
  if (query.type === types.AXFR || query.type === types.IXFR) return rcodes.NOTIMP;
  return rcodes.NOERROR;
}
