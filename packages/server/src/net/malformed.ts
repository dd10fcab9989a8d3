/**
 * Answers bytes that are not HTTP, or arrive too slowly. A client reads the answers of a connection in order, so an error that is
 * sent too early would be taken for the answer to an earlier request. So it is sent only when it answers the malformed
 * request itself.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isLeaving, type Linger } from './linger.ts';

const last = Symbol('last response');

/**
 * The response to the newest request of a connection: when it is done, all earlier ones are. It is kept on the socket, since a
 * table of all connections would cost more for each request than routing it.
 */
interface Followed extends Socket {
  [last]?: ServerResponse;
}

/** Call this for every request. */
export function followRequest({ socket }: IncomingMessage, response: ServerResponse): void {
  (socket as Followed)[last] = response;
}

/** An error of Node's parser, with llhttp's `reason`. */
export interface ParserError extends NodeJS.ErrnoException {
  readonly reason?: string;
}

/** Answers if possible, and closes the connection. */
export function refuseMalformed(error: ParserError, socket: Socket, linger: Linger): void {
  // The parser reports every further piece as well.
  if (isLeaving(socket) && error.code?.startsWith('HPE_') === true) return;
  const refusal = refusalOf(error);
  if (refusal === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  const response = (socket as Followed)[last];
  const between = response === undefined || (response.writableFinished && response.shouldKeepAlive);
  const ownBody = response !== undefined && !response.req.complete && !response.headersSent;
  if (between || ownBody) {
    socket.write(refusal);
    linger(socket);
  } else if (response.writableEnded) {
    // The last answer is already being sent.
    linger(socket);
  } else {
    socket.destroy();
  }
}

/** A complete answer, for connections without a response object. */
export function plainRefusal(status: string, reason: string, headers = ''): string {
  const body = `${reason}\n`;
  const content = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `HTTP/1.1 ${status}\r\nConnection: close\r\n${headers}${content}\r\n${body}`;
}

/** Undefined when the client cannot read an answer: the connection is broken, or has no TLS. */
function refusalOf({ code = '', reason = '' }: ParserError): string | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return plainRefusal('431 Request Header Fields Too Large', 'the headers of the request are longer than this server takes');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return plainRefusal('413 Payload Too Large', 'the chunk extensions of the body are longer than this server takes');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return plainRefusal('408 Request Timeout', 'the request did not arrive in time');
    case 'HPE_INVALID_VERSION':
      if (!reason.startsWith('Invalid HTTP version')) break;
      return plainRefusal('505 HTTP Version Not Supported', 'this server speaks HTTP/1.1 and HTTP/1.0');
    case 'HPE_INVALID_URL':
      return plainRefusal('400 Bad Request', `the request target is no path, or has a character that must be percent-encoded, as %D1%8F for я: ${reason}`);
  }
  if (!code.startsWith('HPE_')) return undefined;
  return plainRefusal('400 Bad Request', `the request is not HTTP/1.1: ${reason || code}`);
}
