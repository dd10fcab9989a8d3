/** The TCP probe: passing when a connection can be made. Nothing is sent. */

import { connect } from 'node:net';
import { parseHostPort, pinned, type Resolve } from '../../outbound/address-policy.ts';
import type { Probe, ProbeResult } from './probe.ts';

export function tcpProbe(resolve: Resolve): Probe {
  return async (definition, signal) => {
    const target = definition.tcp ?? '';
    const { host, port } = parseHostPort(target);
    const addresses = await resolve(host);
    signal.throwIfAborted();
    return new Promise<ProbeResult>((resolved, reject) => {
      // The name is not looked up again: the socket connects to the addresses that passed the policy.
      const socket = connect({ host: 'checked', port, lookup: pinned(addresses), signal });
      socket.on('error', reject);
      socket.once('connect', () => {
        socket.destroy();
        resolved({ status: 'passing', output: `TCP connect ${target}: Success` });
      });
    });
  };
}
