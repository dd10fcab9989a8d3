/**
 * A server's report of its own load, and its form in the header that Envoy and gRPC read,
 * `endpoint-load-metrics`, as text (Envoy, source/common/orca/orca_parser.cc):
 *
 *     endpoint-load-metrics: TEXT named_metrics.rif=3,named_metrics.latency_ms=12.5
 *
 * gRPC has the same message in binary (`orca.ts`). This file measures nothing (`load-meter.ts`) and
 * sends nothing.
 */

export interface LoadReport {
  /**
   * Requests of all clients in flight at the server; 0 or more. Missing in reports of servers that report
   * their utilisation only.
   */
  readonly inFlight?: number;
  /**
   * Expected time of a request that arrives at this load, in milliseconds: the median of recent ones.
   * Missing until the server has finished a request.
   */
  readonly latencyMs?: number;
  /**
   * Utilisation of the server: 0 for idle, 1 for full, more when demand exceeds its capacity. Missing when the
   * server does not measure it.
   */
  readonly utilization?: number;
}

export const loadHeader = 'endpoint-load-metrics';

/** Names among the `named_metrics` of ORCA; "rif" is the word of the Prequal paper. */
export const inFlightMetric = 'rif';
export const latencyMetric = 'latency_ms';

/** ORCA's own fields; the first counts when a server sends both, as in gRPC (gRFC A58). */
const utilizationField = 'application_utilization';
const cpuField = 'cpu_utilization';

/** The path where a server answers `GET` with its report in the header and no body (a well-known URI, RFC 8615). */
export const loadPath = '/.well-known/rollcall/load';

/** Longest header that is read; a report of ours has about 60 characters, other servers may add metrics. */
const headerCharactersMax = 4096;

const prefix = 'TEXT ';
const named = 'named_metrics.';

export function formatLoadReport({ inFlight, latencyMs, utilization }: LoadReport): string {
  const pairs: string[] = [];
  if (inFlight !== undefined) pairs.push(`${named}${inFlightMetric}=${inFlight}`);
  if (latencyMs !== undefined) pairs.push(`${named}${latencyMetric}=${thousandths(latencyMs)}`);
  if (utilization !== undefined) pairs.push(`${utilizationField}=${thousandths(utilization)}`);
  return prefix + pairs.join(',');
}

/**
 * Reads the text form; both `name=value` and the older `name:value`. Other metrics are skipped.
 * @returns undefined if the text is not a report, or has neither requests in flight nor utilisation
 */
export function parseLoadReport(header: string): LoadReport | undefined {
  if (header.length > headerCharactersMax || !header.startsWith(prefix)) return undefined;
  let inFlight: number | undefined;
  let latencyMs: number | undefined;
  let application: number | undefined;
  let cpu: number | undefined;
  for (const pair of header.slice(prefix.length).split(',')) {
    const [, name, value] = /^\s*([^=:]+)[=:]\s*([\d.eE+-]+)\s*$/.exec(pair) ?? [];
    if (name === named + inFlightMetric) inFlight = Number(value);
    else if (name === named + latencyMetric) latencyMs = Number(value);
    else if (name === utilizationField) application = Number(value);
    else if (name === cpuField) cpu = Number(value);
  }
  return loadReport(inFlight, latencyMs, application, cpu);
}

/** Makes a report from values of another program; invalid numbers are left out. */
export function loadReport(
  inFlight: number | undefined,
  latencyMs: number | undefined,
  application: number | undefined,
  cpu: number | undefined,
): LoadReport | undefined {
  // In ORCA a utilisation of 0 means that it was not set.
  const utilization = [application, cpu].find((value) => isMeasure(value) && value > 0);
  if (!isMeasure(inFlight) && utilization === undefined) return undefined;
  return {
    ...(isMeasure(inFlight) && { inFlight }),
    ...(isMeasure(latencyMs) && { latencyMs }),
    ...(utilization !== undefined && { utilization }),
  };
}

/**
 * Finds the report among the raw headers of an answer, in undici's form: names and values in turn.
 * Costs one comparison of lengths for each other header.
 */
export function loadReportIn(headers: readonly Uint8Array[]): LoadReport | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as Uint8Array;
    if (name.length !== loadHeader.length || latin1(name).toLowerCase() !== loadHeader) continue;
    return parseLoadReport(latin1(headers[at + 1] as Uint8Array));
  }
  return undefined;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Decimals: a microsecond is finer than any clock that matters here, a thousandth finer than any utilisation. */
function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** A valid count or time, small enough that sums do not overflow. */
function isMeasure(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= 1e9;
}
