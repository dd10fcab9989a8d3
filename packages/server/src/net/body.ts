/**
 * Reading a request's body with a limit. An announced length over the limit is refused before a
 * byte is kept; a body that grows over it is refused as it does.
 */

import type { IncomingMessage } from 'node:http';
import { RegistryError } from '@rollcall/protocol';

const empty = Buffer.alloc(0);

/**
 * Thrown for a body over the limit. Front ends answer it with their own text (usually 413); what becomes of the rest
 * of the body is `answer.ts`' business.
 */
export class BodyTooLarge extends RegistryError {
  /** The announced length, or what had arrived when the limit was passed. */
  readonly bytes: number;
  readonly limit: number;

  constructor(bytes: number, limit: number) {
    super('resource_exhausted', `request body has ${bytes} bytes, the limit is ${limit}`);
    this.bytes = bytes;
    this.limit = limit;
  }
}

/**
 * @param limit bytes
 * @throws BodyTooLarge; RegistryError `cancelled` when the client went away
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> | Buffer {
  const announced = request.headers['content-length'];
  if (announced === undefined && request.headers['transfer-encoding'] === undefined) return empty;
  if (announced === '0') return empty;
  const length = Number(announced ?? 0);
  if (length > limit) throw new BodyTooLarge(length, limit);
  return collect(request, limit);
}

function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let ended = false;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limit) {
        request.pause();
        request.removeAllListeners('data');
        reject(new BodyTooLarge(bytes, limit));
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      ended = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    request.on('close', () => {
      // It comes after every end, too, and an error costs more than reading a small body.
      if (!ended) reject(new RegistryError('cancelled', 'the client went away'));
    });
  });
}
