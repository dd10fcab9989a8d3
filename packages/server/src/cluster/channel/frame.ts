/**
 * The frames of the channel between two nodes. Each is one binary message of the WebSocket:
 *
 *   kind (1 byte), id of the request (number), and
 *     request   method (text), body      either end asks; ids are the asker's own
 *     answer    body                     of a stream: its end
 *     refusal   code (text), message (text)
 *     item      body                     one part of a stream
 *     read      bytes (number)           the asker has read this many bytes of the stream, so as many more may follow
 *     cancel                             the asker is no longer interested
 *
 * The bodies are in `log-body.ts`, `beat-body.ts` and `hello.ts`.
 */

import { errorCodes, type ErrorCode } from '@rollcall/protocol';
import { BadMessage, ByteReader, ByteWriter } from './bytes.ts';

export type Frame =
  | { readonly kind: 'request'; readonly id: number; readonly method: string; readonly body: Buffer }
  | { readonly kind: 'answer'; readonly id: number; readonly body: Buffer }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'item'; readonly id: number; readonly body: Buffer }
  | { readonly kind: 'read'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'cancel'; readonly id: number };

/** Largest message: a transaction with one record of the largest size, and room for its other fields. */
export const messageBytesMax = 16_777_216;

/** Longest message of an error that is sent; the rest is cut off. */
const reasonMax = 2_000;

const kinds = ['request', 'answer', 'refusal', 'item', 'read', 'cancel'] as const;

export function encodeFrame(frame: Frame): Buffer {
  const writer = new ByteWriter().byte(kinds.indexOf(frame.kind) + 1).number(frame.id);
  switch (frame.kind) {
    case 'request':
      return writer.text(frame.method).raw(frame.body).done();
    case 'answer':
    case 'item':
      return writer.raw(frame.body).done();
    case 'refusal':
      return writer.text(frame.code).text(frame.message.slice(0, reasonMax)).done();
    case 'read':
      return writer.number(frame.bytes).done();
    case 'cancel':
      return writer.done();
  }
}

/** @throws BadMessage when it is no frame */
export function decodeFrame(message: Buffer): Frame {
  const reader = new ByteReader(message);
  const kind = kinds[reader.byte() - 1];
  const id = reader.number();
  switch (kind) {
    case 'request':
      return { kind, id, method: reader.text(), body: reader.rest() };
    case 'answer':
    case 'item':
      return { kind, id, body: reader.rest() };
    case 'refusal': {
      const code = codeOf(reader.text());
      return ended(reader, { kind, id, code, message: reader.text() });
    }
    case 'read':
      return ended(reader, { kind, id, bytes: reader.number() });
    case 'cancel':
      return ended(reader, { kind, id });
    default:
      throw new BadMessage(`a message begins with ${message[0]}, which is no kind of frame`);
  }
}

function ended(reader: ByteReader, frame: Frame): Frame {
  reader.end();
  return frame;
}

/** A code of a newer version is an internal error for this one. */
function codeOf(text: string): ErrorCode {
  return errorCodes.find((code) => code === text) ?? 'internal';
}
