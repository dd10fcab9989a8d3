/**
 * What a client is told whose bytes are no HTTP, or come too slowly. An HTTP connection is one answer
 * after the other: words that stand where the answer to another request belongs would be taken for it.
 * So they are sent only when they answer the request that is wrong.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Last {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class Refusals {
  /** The newest request of each connection. When it is answered, so are all before it. */
  readonly #last = new WeakMap<Socket, Last>();

  follow(request: IncomingMessage, response: ServerResponse): void {
    this.#last.set(request.socket, { request, response });
  }

  /** Answers if that is possible, and closes the connection. */
  refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    const status = statusOf(error.code);
    if (status === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    const last = this.#last.get(socket);
    const between = last === undefined || (last.response.writableFinished && last.response.shouldKeepAlive);
    const ownBody = last !== undefined && !last.request.complete && !last.response.headersSent;
    if (between || ownBody) {
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      socket.destroySoon();
    } else if (last.response.writableEnded) {
      // Its answer is on its way, and is the last one.
      socket.destroySoon();
    } else {
      socket.destroy();
    }
  }
}

/** Undefined when nobody would understand an answer: the connection broke, or has no TLS. */
function statusOf(code: string | undefined): string | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return code?.startsWith('HPE_') === true ? '400 Bad Request' : undefined;
}
