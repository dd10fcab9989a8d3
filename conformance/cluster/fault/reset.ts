/** Resets a TCP connection, also one that is being ended. */

import type { Socket } from 'node:net';

/**
 * Ends a connection with RST. Node does not close a socket that is reset between `end()` and its `finish`: libuv refuses it while the shutdown
 * is under way (`uv_tcp_close_reset`), and Node takes it for done. The descriptor then stays open, and the process never ends: it
 * waits for that socket, without a pause, after its last `exit` event. So such a socket is reset when its shutdown is done.
 */
export function reset(socket: Socket): void {
  const isShutting = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isShutting && !socket.destroyed) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
