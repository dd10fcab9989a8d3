/**
 * Clients that close their side of a connection and still read the other: `nc -N`, and scripts that send all
 * and then wait. Nothing tells them from a client that is gone, whose kernel says the same. So every request
 * that has arrived is answered, and what would wait for long is told here to end now.
 */

import type { Socket } from 'node:net';

const waiting = Symbol('waiting for the end of the client');

interface Watched extends Socket {
  [waiting]?: Set<() => void>;
}

/** Calls `end` when the client sends nothing any more. @returns stops that */
export function onClientEnd(socket: Watched, end: () => void): () => void {
  const ends = (socket[waiting] ??= new Set());
  ends.add(end);
  return () => ends.delete(end);
}

/** To be called once for each connection. */
export function watchClientEnd(socket: Watched): void {
  socket.once('end', () => {
    for (const end of [...(socket[waiting] ?? [])]) end();
  });
}
