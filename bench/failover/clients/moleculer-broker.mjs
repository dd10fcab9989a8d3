/** A node of moleculer with its own TCP transport on loopback; all of them know one another by a fixed list. */

import { ServiceBroker } from 'moleculer';

/** @param port of its transport; the list of all of them is in `ROLLCALL_BENCH_PORTS`, as `ID:PORT` with commas */
export function moleculerBroker(nodeID, port) {
  const urls = (process.env.ROLLCALL_BENCH_PORTS ?? '').split(',').map((entry) => {
    const [id, at] = entry.split(':');
    return `127.0.0.1:${at}/${id}`;
  });
  return new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options: { udpDiscovery: false, urls, port } },
    registry: { strategy: 'RoundRobin', preferLocal: false },
    requestTimeout: 1_000,
    retryPolicy: { enabled: true, retries: 3, delay: 10, factor: 2, maxDelay: 100, check: () => true },
    circuitBreaker: { enabled: true, threshold: 0.5, minRequestCount: 20, windowTime: 10, halfOpenTime: 2_000 },
  });
}
