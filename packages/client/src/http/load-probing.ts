/**
 * Asks endpoints for their load over the connections that requests use: `GET` of the well-known path, whose
 * answer carries the report in its header, whatever its status. An endpoint without a report, or that cannot be
 * reached, is not asked again for a while. The balancer decides which endpoint to ask, and when.
 */

import type { Probing } from '../balancer/balancer.ts';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';
import { loadHeader, loadPath, type LoadReport, parseLoadReport } from '../load-report/load-report.ts';
import type { Transport } from './transport.ts';

/** Longest an answer may take, in milliseconds. An older report is useless, but its connection can be used again. */
const answerTimeoutMs = 2000;

/** An endpoint whose answer has no report is asked again after this, in milliseconds: its process may be replaced. */
const silentMs = 60_000;

/** The same for an endpoint that does not answer: requests show when it works again. */
const unreachableMs = 5000;

export function loadProbing(transport: Transport, clock: Clock): Probing {
  /** End of the time without probes, on the clock that never jumps. */
  const resting = new WeakMap<Endpoint, number>();
  const ask = async (endpoint: Endpoint): Promise<LoadReport | undefined> => {
    const asked = { method: 'GET', path: loadPath, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs } as const;
    // Balancers probe when they send a request, and the first request loads this transport.
    const { pools } = transport.loaded ?? (await transport.load());
    const { headers, body } = await pools.get(endpoint).request(asked);
    // Read to the end, so that the connection can be used again.
    await body.dump();
    const header = headers[loadHeader];
    return typeof header === 'string' ? parseLoadReport(header) : undefined;
  };
  return {
    clock,
    async probe(endpoint) {
      if ((resting.get(endpoint) ?? -Infinity) > clock.monotonic()) return undefined;
      try {
        const report = await ask(endpoint);
        if (report === undefined) resting.set(endpoint, clock.monotonic() + silentMs);
        return report;
      } catch {
        // Requests get the same error and pass it to their callers.
        resting.set(endpoint, clock.monotonic() + unreachableMs);
        return undefined;
      }
    },
  };
}
