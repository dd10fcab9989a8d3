/**
 * Closes a connection so that its last answer arrives. A socket that is closed while the client still sends makes
 * the kernel reset the connection, and a reset throws away what the client has not read yet (RFC 9112 §9.6). So
 * this side is closed first, and what the client still sends is read and dropped until it has heard.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';

/** Begins the end of a connection, after what has been written to it. */
export type Linger = (socket: Socket) => void;

/** A client that listens stops within a round trip; one that only sends is given no more of our time than this. */
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

/** From here on nothing that the client sends is a request any more (RFC 9112 §9.6). */
export function markLeaving(socket: Socket): void {
  (socket as Leaving)[leaving] = true;
}

export function isLeaving(socket: Socket): boolean {
  return (socket as Leaving)[leaving] === true;
}
