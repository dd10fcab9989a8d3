/**
 * Datagrams as bytes, and back.
 *
 *     version 1 │ from │ incarnation │ membersHash │ rowsHash │ kind of head │ head │ update │ update │ …
 *
 * Updates follow each other up to the end. A packet of another version is refused as a whole.
 */

import type { Head, MemberUpdate, Packet, RowUpdate, Update } from '../messages.ts';
import { Malformed, Reader, Writer } from './bytes.ts';

const formatVersion = 1;

/** Order counts: the position is the byte. */
const headKinds = ['ping', 'ping-request', 'ack', 'nack', 'gossip'] as const;
const updateKinds = ['alive', 'suspect', 'dead', 'left', 'row', 'removed-row'] as const;

const sequenceMax = 2 ** 32 - 1;

/** Longest that a member may ask another one to wait, in milliseconds. */
const nackAfterMsMax = 60_000;

/** Longest key and value of a row, in bytes. */
export const keyBytesMax = 1_024;
export const valueBytesMax = 65_536;

/** The result of reading bytes from outside. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Turns what a reader throws into a result. */
export function decoded<T>(bytes: Uint8Array, read: (reader: Reader) => T): Decoded<T> {
  const reader = new Reader(bytes);
  try {
    const value = read(reader);
    return reader.isAtEnd ? { ok: true, value } : { ok: false, reason: 'bytes follow its end' };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message };
    throw error;
  }
}

export function encodePacket(packet: Packet): Buffer {
  const writer = new Writer();
  writePacket(writer, packet);
  return writer.take();
}

export function decodePacket(bytes: Uint8Array): Decoded<Packet> {
  return decoded(bytes, (reader) => {
    readVersion(reader);
    const from = reader.name();
    const incarnation = reader.integer();
    const membersHash = reader.hash();
    const rowsHash = reader.hash();
    const head = readHead(reader);
    const updates: Update[] = [];
    while (!reader.isAtEnd) updates.push(readUpdate(reader));
    return { from, incarnation, membersHash, rowsHash, head, updates };
  });
}

/** Bytes of a packet without its updates. */
export function packetBytes(packet: Packet): number {
  const writer = new Writer(300);
  writePacket(writer, { ...packet, updates: [] });
  return writer.length;
}

/** Bytes of one update in a packet. */
export function updateBytes(update: Update): number {
  const writer = new Writer(300);
  writeUpdate(writer, update);
  return writer.length;
}

export function writeVersion(writer: Writer): void {
  writer.byte(formatVersion);
}

export function readVersion(reader: Reader): void {
  const version = reader.byte();
  if (version !== formatVersion) throw new Malformed(`it has format ${version}, this program knows ${formatVersion}`);
}

function writePacket(writer: Writer, { from, incarnation, membersHash, rowsHash, head, updates }: Packet): void {
  writeVersion(writer);
  writer.text(from);
  writer.integer(incarnation);
  writer.hash(membersHash);
  writer.hash(rowsHash);
  writeHead(writer, head);
  for (const update of updates) writeUpdate(writer, update);
}

function writeHead(writer: Writer, head: Head): void {
  writer.byte(headKinds.indexOf(head.kind));
  if (head.kind === 'gossip') return;
  writer.integer(head.sequence);
  if (head.kind === 'ping' || head.kind === 'ping-request') writer.text(head.target);
  if (head.kind !== 'ping-request') return;
  writer.address(head.address);
  writer.integer(head.nackAfterMs);
}

function readHead(reader: Reader): Head {
  const kind = headKinds[reader.byte()];
  if (kind === undefined) throw new Malformed('it has an unknown head');
  if (kind === 'gossip') return { kind };
  const sequence = reader.integer(sequenceMax);
  if (kind === 'ack' || kind === 'nack') return { kind, sequence };
  const target = reader.name();
  if (kind === 'ping') return { kind, sequence, target };
  return { kind, sequence, target, address: reader.address(), nackAfterMs: reader.integer(nackAfterMsMax) };
}

function writeUpdate(writer: Writer, update: Update): void {
  const kind = update.kind === 'row' && update.value === undefined ? 'removed-row' : update.kind;
  writer.byte(updateKinds.indexOf(kind));
  if (update.kind === 'row') writeRow(writer, update);
  else writeMember(writer, update);
}

function writeMember(writer: Writer, update: MemberUpdate): void {
  writer.text(update.name);
  writer.integer(update.incarnation);
  if (update.kind === 'alive') writer.address(update.address);
  else if (update.kind !== 'left') writer.text(update.by);
}

function writeRow(writer: Writer, { owner, generation, version, key, value }: RowUpdate): void {
  writer.text(owner);
  writer.integer(generation);
  writer.integer(version);
  writer.text(key);
  if (value !== undefined) writer.text(value);
}

function readUpdate(reader: Reader): Update {
  const kind = updateKinds[reader.byte()];
  if (kind === undefined) throw new Malformed('it has an unknown update');
  switch (kind) {
    case 'alive':
      return { kind, name: reader.name(), incarnation: reader.integer(), address: reader.address() };
    case 'suspect':
    case 'dead':
      return { kind, name: reader.name(), incarnation: reader.integer(), by: reader.name() };
    case 'left':
      return { kind, name: reader.name(), incarnation: reader.integer() };
    case 'row':
    case 'removed-row': {
      const [owner, generation, version, key] = [reader.name(), reader.integer(), reader.integer(), reader.text(keyBytesMax)];
      return { kind: 'row', owner, generation, version, key, value: kind === 'row' ? reader.text(valueBytesMax) : undefined };
    }
  }
}
