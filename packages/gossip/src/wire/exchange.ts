/**
 * The messages of an exchange of states as bytes, and back. How they are framed on a stream is in `transport/`; their
 * order is in `group.ts`.
 */

import type { Exchange, MemberRecord, OwnerDigest, OwnerRows, Row } from '../messages.ts';
import { Malformed, type Reader, Writer } from './bytes.ts';
import { decoded, keyBytesMax, readVersion, valueBytesMax, writeVersion, type Decoded } from './packet.ts';

/** Order counts: the position is the byte. */
const kinds = ['state', 'answer', 'rows', 'stream-ping', 'stream-ack'] as const;
const states = ['alive', 'suspect', 'dead', 'left'] as const;

/** Members of a group, with those that are gone: as `membersMax` of the table, with some room for an older sender's. */
const recordsMax = 8_192;
const rowsMax = 65_536;

export function encodeExchange(exchange: Exchange): Buffer {
  const writer = new Writer(4_096);
  writeVersion(writer);
  writer.byte(kinds.indexOf(exchange.kind));
  writer.text(exchange.kind === 'stream-ping' ? exchange.target : exchange.from);
  if (exchange.kind === 'state' || exchange.kind === 'answer') {
    writer.list(exchange.records, (record) => writeRecord(writer, record));
    writer.list(exchange.digests, (digest) => writeDigest(writer, digest));
  }
  if (exchange.kind === 'answer' || exchange.kind === 'rows') writer.list(exchange.rows, (rows) => writeRows(writer, rows));
  return writer.take();
}

export function decodeExchange(bytes: Uint8Array): Decoded<Exchange> {
  return decoded(bytes, (reader): Exchange => {
    readVersion(reader);
    const kind = kinds[reader.byte()];
    if (kind === undefined) throw new Malformed('it is of an unknown kind');
    const name = reader.name();
    if (kind === 'stream-ping') return { kind, target: name };
    if (kind === 'stream-ack') return { kind, from: name };
    if (kind === 'rows') return { kind, from: name, rows: readAllRows(reader) };
    const records = reader.list(recordsMax, () => readRecord(reader));
    const digests = reader.list(recordsMax, () => readDigest(reader));
    return kind === 'state' ? { kind, from: name, records, digests } : { kind, from: name, records, digests, rows: readAllRows(reader) };
  });
}

function writeRecord(writer: Writer, { name, address, incarnation, state }: MemberRecord): void {
  writer.byte(states.indexOf(state));
  writer.text(name);
  writer.address(address);
  writer.integer(incarnation);
}

function readRecord(reader: Reader): MemberRecord {
  const state = states[reader.byte()];
  if (state === undefined) throw new Malformed('a member has an unknown state');
  return { state, name: reader.name(), address: reader.address(), incarnation: reader.integer() };
}

function writeDigest(writer: Writer, { owner, generation, known }: OwnerDigest): void {
  writer.text(owner);
  writer.integer(generation);
  writer.integer(known);
}

function readDigest(reader: Reader): OwnerDigest {
  return { owner: reader.name(), generation: reader.integer(), known: reader.integer() };
}

function writeRows(writer: Writer, { owner, generation, since, upTo, floor, rows }: OwnerRows): void {
  writer.text(owner);
  for (const number of [generation, since, upTo, floor]) writer.integer(number);
  writer.list(rows, ({ key, version, value }) => {
    writer.text(key);
    writer.integer(version);
    writer.byte(value === undefined ? 0 : 1);
    if (value !== undefined) writer.text(value);
  });
}

function readAllRows(reader: Reader): OwnerRows[] {
  return reader.list(recordsMax, () => {
    const owner = reader.name();
    const [generation, since, upTo, floor] = [reader.integer(), reader.integer(), reader.integer(), reader.integer()];
    return { owner, generation, since, upTo, floor, rows: reader.list(rowsMax, () => readRow(reader)) };
  });
}

function readRow(reader: Reader): Row {
  const key = reader.text(keyBytesMax);
  const version = reader.integer();
  const hasValue = reader.byte();
  if (hasValue > 1) throw new Malformed('a row is neither there nor removed');
  return { key, version, value: hasValue === 1 ? reader.text(valueBytesMax) : undefined };
}
