/**
 * Reads the body of a request up to a limit. A request that announces a longer body is refused before a byte is read; one
 * without a length is refused when it passes the limit.
 */

import type { IncomingMessage } from 'node:http';
import { RegistryError } from '@rollcall/protocol';

const empty = Buffer.alloc(0);

/**
 * Thrown for a body over the limit. Front ends answer it with their own text, usually with status 413; `answer.ts`
 * handles the rest of the body.
 */
export class BodyTooLarge extends RegistryError {
  /** The announced length, or the bytes that had arrived at the limit. */
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
 * @throws BodyTooLarge; RegistryError `cancelled` when the client has disconnected
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
      // `close` comes after every end, too, and making an error costs more than reading a small body.
      if (!ended) reject(new RegistryError('cancelled', 'the client has disconnected'));
    });
  });
}
