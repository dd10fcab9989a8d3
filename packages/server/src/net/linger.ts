/**
 * Closes a connection so that its last answer arrives. If a socket is closed while the client still sends, the kernel
 * resets the connection, and the client loses what it has not read yet (RFC 9112 §9.6). So the server closes its
 * direction first, then reads and drops bytes until the client has closed its own.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';

/** Ends a connection after the bytes that were written to it. */
export type Linger = (socket: Socket) => void;

/** A client that reads stops sending within a round trip. One that goes on is cut after this time. */
const lingerMs = 2_000;

const leaving = Symbol('leaving');

interface Leaving extends Socket {
  [leaving]?: true;
}

export function lingerer(clock: Clock): Linger {
  return (socket) => {
    markLeaving(socket);
    socket.end();
    const cancel = clock.timer(lingerMs, () => socket.destroy());
    socket.once('close', cancel);
  };
}

/** Whether the connection is ending: later bytes of the client are not requests (RFC 9112 §9.6). */
export function markLeaving(socket: Socket): void {
  (socket as Leaving)[leaving] = true;
}

export function isLeaving(socket: Socket): boolean {
  return (socket as Leaving)[leaving] === true;
}
