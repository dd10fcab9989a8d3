/**
 * What a client is told whose bytes are no HTTP, or come too slowly. An HTTP connection is one answer
 * after the other: words that stand where the answer to another request belongs would be taken for it.
 * So they are sent only when they answer the request that is wrong.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const last = Symbol('last response');

/**
 * A connection knows its newest request by the response to it; when that is done, so are all before it.
 * Kept on the socket: a table of all of them would cost every request more than its route.
 */
interface Followed extends Socket {
  [last]?: ServerResponse;
}

/** To be told of every request. */
export function followRequest({ socket }: IncomingMessage, response: ServerResponse): void {
  (socket as Followed)[last] = response;
}

/** Answers if that is possible, and closes the connection. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  const status = statusOf(error.code);
  if (status === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  const response = (socket as Followed)[last];
  const between = response === undefined || (response.writableFinished && response.shouldKeepAlive);
  const ownBody = response !== undefined && !response.req.complete && !response.headersSent;
  if (between || ownBody) {
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  } else if (response.writableEnded) {
    // Its answer is on its way, and is the last one.
    socket.destroySoon();
  } else {
    socket.destroy();
  }
}

/** Undefined when nobody would understand an answer: the connection broke, or has no TLS. */
function statusOf(code: string | undefined): string | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return code?.startsWith('HPE_') === true ? '400 Bad Request' : undefined;
}
