/**
 * The newest entries of the audit, as bytes. Every write adds one. Objects would live long enough to be moved to the heap's old space, and would die there:
 * then whole heaps are marked twice as often.
 *
 *   older │ newer        two blocks; when the newer one is full, the older one is dropped and filled anew
 *
 *   entry   seq f64, time f64, dropped u32, kind u8, five lengths u16 in characters, bytes of the text u16, text
 *
 * It knows no file and filters nothing.
 */

import { auditKinds, type AuditKind } from '@rollcall/protocol';
import type { AuditEntry } from './audit.ts';

const headBytes = 8 + 8 + 4 + 1 + 5 * 2 + 2;
/** Five fields of 1,025 characters at most, each of at most three bytes. */
const entryBytesMax = headBytes + 5 * 1_025 * 3;
/** Some 4,000 entries of usual length. */
const blockBytes = 524_288;

interface Block {
  readonly bytes: Buffer;
  /** Where each entry begins. */
  readonly starts: Uint32Array;
  entries: number;
  end: number;
}

export class RecentEvents {
  readonly #perBlock: number;
  #older: Block | undefined;
  #newer: Block;
  /** Number of the last one; 0 before the first. */
  lastSeq = 0;

  /** @param atLeast as many of the newest ones are kept, unless their texts are very long */
  constructor(atLeast: number) {
    this.#perBlock = atLeast;
    this.#newer = newBlock(atLeast);
  }

  get size(): number {
    return (this.#older?.entries ?? 0) + this.#newer.entries;
  }

  /** @param at 0 is the oldest */
  at(at: number): AuditEntry {
    const older = this.#older?.entries ?? 0;
    return at < older ? read(this.#older as Block, at) : read(this.#newer, at - older);
  }

  /** @param entry its fields are bounded */
  add({ seq, at, event, dropped }: AuditEntry): void {
    let block = this.#newer;
    if (block.entries === this.#perBlock || block.end + entryBytesMax > block.bytes.length) block = this.#next();
    const { bytes, end } = block;
    const { kind, accessorId, namespace, address, via, action } = event;
    bytes.writeDoubleLE(seq, end);
    bytes.writeDoubleLE(at, end + 8);
    bytes.writeUInt32LE(dropped, end + 16);
    bytes[end + 20] = auditKinds.indexOf(kind);
    bytes.writeUInt16LE(accessorId.length, end + 21);
    bytes.writeUInt16LE(namespace.length, end + 23);
    bytes.writeUInt16LE(address.length, end + 25);
    bytes.writeUInt16LE(via.length, end + 27);
    bytes.writeUInt16LE(action.length, end + 29);
    // One text: a call for each field would cost more than the rest.
    const written = bytes.write(accessorId + namespace + address + via + action, end + headBytes);
    bytes.writeUInt16LE(written, end + 31);
    block.starts[block.entries++] = end;
    block.end = end + headBytes + written;
    this.lastSeq = seq;
  }

  #next(): Block {
    const block = this.#older ?? newBlock(this.#perBlock);
    block.entries = 0;
    block.end = 0;
    this.#older = this.#newer;
    this.#newer = block;
    return block;
  }
}

function newBlock(entries: number): Block {
  return { bytes: Buffer.allocUnsafeSlow(blockBytes), starts: new Uint32Array(entries), entries: 0, end: 0 };
}

function read({ bytes, starts }: Block, index: number): AuditEntry {
  const at = starts[index] as number;
  const text = bytes.toString('utf8', at + headBytes, at + headBytes + bytes.readUInt16LE(at + 31));
  let from = 0;
  const next = (field: number) => {
    const begin = from;
    from += bytes.readUInt16LE(at + 21 + field * 2);
    return text.slice(begin, from);
  };
  const kind = auditKinds[bytes[at + 20] as number] as AuditKind;
  const event = { kind, accessorId: next(0), namespace: next(1), address: next(2), via: next(3), action: next(4) };
  return { seq: bytes.readDoubleLE(at), at: bytes.readDoubleLE(at + 8), event, dropped: bytes.readUInt32LE(at + 16) };
}
