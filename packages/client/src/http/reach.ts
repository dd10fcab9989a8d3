/**
 * The check of an endpoint that took no connection: opens one and closes it at once. It sends nothing, so that it
 * means the same for every protocol.
 */

import { connect } from 'node:net';
import type { Reach } from '../resilience/reachability.ts';

/**
 * @param timeoutMs longest that a connection may take, in milliseconds
 * @param signal ends checks under way
 */
export function tcpReach(timeoutMs: number, signal: AbortSignal): Reach {
  return ({ instance: { address, port } }) => {
    if (port === 0 || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, timeout: timeoutMs });
      const end = (reached: boolean) => {
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
        resolve(reached);
      };
      const onAbort = () => end(false);
      // Nobody waits for it: it must not keep the process up.
      socket.unref();
      socket.once('connect', () => end(true));
      socket.once('timeout', () => end(false));
      socket.on('error', () => end(false));
      signal.addEventListener('abort', onAbort);
    });
  };
}
