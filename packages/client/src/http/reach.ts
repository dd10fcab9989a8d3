/**
 * Checks an endpoint that refused a connection: opens one, by TLS where requests use it, and closes it at once. It
 * sends nothing beyond the handshake, so that it works for every protocol.
 */

import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Reach } from '../resilience/reachability.ts';
import { type Connecting, handshakeOf, isSecure, tlsConnectionOptions } from './connecting.ts';

/**
 * @param connecting the connection settings of requests; an endpoint whose handshake fails counts as unreachable
 * @param signal aborts the checks in progress
 */
export function connectionReach({ connectTimeoutMs: timeout, tls, connections }: Connecting, signal: AbortSignal): Reach {
  return ({ instance }) => {
    const { address: host, port } = instance;
    if (port === 0 || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const secure = isSecure(instance, tls);
      const socket = secure
        ? connectTls({ host, port, timeout, ...handshakeOf(host, tlsConnectionOptions(tls), connections.http2) })
        : connect({ host, port, timeout });
      const end = (reached: boolean) => {
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
        resolve(reached);
      };
      const onAbort = () => end(false);
      // The check must not keep the process running.
      socket.unref();
      socket.once(secure ? 'secureConnect' : 'connect', () => end(true));
      socket.once('timeout', () => end(false));
      // A server may end the handshake without an alert: it only closes the connection.
      socket.once('close', () => end(false));
      socket.on('error', () => end(false));
      signal.addEventListener('abort', onAbort);
    });
  };
}
