/** The prober of a server, with a probe for each kind of check. */

import type { SecureContext } from 'node:tls';
import type { Resolve } from '../../outbound/address-policy.ts';
import type { Limits } from '../../options.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { httpProbe } from './http.ts';
import { lazyProbe } from './lazy.ts';
import { mcpProbe } from './mcp.ts';
import { Prober, type ProberOptions } from './prober.ts';
import { tcpProbe } from './tcp.ts';

export interface MakeProberOptions extends Pick<ProberOptions, 'wheel' | 'reports' | 'log' | 'random'> {
  readonly limits: Pick<Limits, 'probesMax'>;
  readonly metrics: Metrics;
  readonly resolve: Resolve;
  readonly probeTrust?: SecureContext | undefined;
}

export function makeProber({ wheel, reports, log, random, limits, metrics, resolve, probeTrust }: MakeProberOptions): Prober {
  // `@grpc/grpc-js` takes 34 ms to load.
  const grpc = lazyProbe(async () => (await import('./grpc.ts')).grpcProbe(resolve, probeTrust));
  return new Prober({
    probes: { http: httpProbe(resolve, probeTrust), tcp: tcpProbe(resolve), grpc, mcp: mcpProbe(resolve, probeTrust) },
    ...{ wheel, reports, log, random },
    runningMax: limits.probesMax,
    onProbed: (kind, outcome) => metrics.probes.inc({ kind, outcome }),
  });
}
