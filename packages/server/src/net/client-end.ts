/**
 * Handles clients that close their direction of a connection and still read the answer: `nc -N`, and scripts that send
 * everything and then wait. The kernel of a client that is gone sends the same. So every request that has arrived is
 * answered, and requests that would wait for long are ended here.
 */

import type { Socket } from 'node:net';

const waiting = Symbol('waiting for the end of the client');

interface Watched extends Socket {
  [waiting]?: Set<() => void>;
}

/** Calls `end` when the client has closed its direction. @returns a function that stops it */
export function onClientEnd(socket: Watched, end: () => void): () => void {
  const ends = (socket[waiting] ??= new Set());
  ends.add(end);
  return () => ends.delete(end);
}

/** Call this once for each connection. */
export function watchClientEnd(socket: Watched): void {
  socket.once('end', () => {
    for (const end of [...(socket[waiting] ?? [])]) end();
  });
}
