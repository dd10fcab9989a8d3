/**
 * The bytes of the stream: WebSocket text messages framed once and written to any number of
 * sockets (RFC 6455 §5.2; frames of a server are not masked, so the bytes are the same for all).
 *
 * A long message is cut into fragments (§5.4): between two of them a socket can still send a ping,
 * and a writer that waits for a slow reader sees progress.
 */

import type { Pace, Work } from '../../net/turns.ts';

/** A framed message: each part must be written whole and in order; control frames may come between. */
export type Message = readonly Buffer[];

/** Bytes of a fragment, about the size of a socket's buffer. */
const fragmentBytes = 65_536;
/** Units of a `Pace` for a full fragment: some 250 instances are joined to one text and encoded. */
const unitsPerFragment = 200;

const text = 0x1;
const continuation = 0x0;
const final = 0x80;

/** An empty ping (§5.5.2). */
export const ping = Buffer.from([0x89, 0x00]);

/** @param json one frame of the protocol, as text */
export function frameText(json: string): Message {
  const bytes = Buffer.byteLength(json);
  if (bytes <= fragmentBytes) {
    const frame = Buffer.allocUnsafeSlow(headBytes(bytes) + bytes);
    frame.write(json, head(frame, final | text, bytes));
    return [frame];
  }
  return frameTexts([json]);
}

/** The same for a text in pieces, which are never joined to one string. */
export function frameTexts(pieces: Iterable<string>): Message {
  return framingTexts(pieces, { spend: () => false }).next().value as Message;
}

/** The same in slices, for a message that would take too much of one turn of the event loop. */
export function* framingTexts(pieces: Iterable<string>, pace: Pick<Pace, 'spend'>): Work<Message> {
  const fragments: Buffer[] = [];
  let waiting = '';
  for (const piece of pieces) {
    if (waiting !== '' && waiting.length + piece.length > fragmentBytes) {
      const added = addFragments(fragments, waiting);
      waiting = '';
      if (pace.spend(added * unitsPerFragment)) yield;
    }
    waiting += piece;
  }
  if (waiting !== '' || fragments.length === 0) addFragments(fragments, waiting);
  const last = fragments.at(-1) as Buffer;
  last[0] = final | (last[0] as number);
  return fragments;
}

/** @returns how many it has added */
function addFragments(fragments: Buffer[], piece: string): number {
  const before = fragments.length;
  const opcode = () => (fragments.length === 0 ? text : continuation);
  const bytes = Buffer.byteLength(piece);
  if (bytes <= fragmentBytes) {
    const frame = Buffer.allocUnsafeSlow(headBytes(bytes) + bytes);
    frame.write(piece, head(frame, opcode(), bytes));
    fragments.push(frame);
    return 1;
  }
  const payload = Buffer.from(piece);
  for (let start = 0; start < payload.length; start += fragmentBytes) {
    const slice = payload.subarray(start, start + fragmentBytes);
    const frame = Buffer.allocUnsafeSlow(headBytes(slice.length) + slice.length);
    frame.set(slice, head(frame, opcode(), slice.length));
    fragments.push(frame);
  }
  return fragments.length - before;
}

export function messageBytes(message: Message): number {
  let bytes = 0;
  for (const part of message) bytes += part.length;
  return bytes;
}

/** Length of the head before `length` bytes; a fragment never needs the 64-bit form. */
function headBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

/** Writes the head and returns its length. */
function head(frame: Buffer, first: number, length: number): number {
  frame[0] = first;
  if (length < 126) {
    frame[1] = length;
    return 2;
  }
  if (length < 65_536) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
    return 4;
  }
  frame[1] = 127;
  frame.writeBigUInt64BE(BigInt(length), 2);
  return 10;
}

/**
 * @returns the parsed message, or undefined when it is not JSON. V8 parses nested values without
 *   recursion, so depth is bounded by the size of the message alone.
 */
export function parseJson(message: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(message.toString()) };
  } catch {
    return undefined;
  }
}
