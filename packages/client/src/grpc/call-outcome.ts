/**
 * The parts of a call that a balancer uses: its key before the call, its outcome and the server's load after it.
 * Pure.
 */

import { status, type Metadata } from '@grpc/grpc-js';
import type { OutcomeResult } from '../balancer/balancer.ts';
import { decodeLoadReport, loadTrailer } from '../load-report/orca.ts';
import type { LoadReport } from '../load-report/load-report.ts';

/** The first value of a metadata key. */
export function metadataValue(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : value?.toString('latin1');
}

/** Statuses of server failures; all others count as answers of the application. */
const failures: ReadonlySet<status> = new Set([
  ...[status.UNKNOWN, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED],
  ...[status.INTERNAL, status.UNAVAILABLE, status.DATA_LOSS],
]);

export function resultOf(code: status): OutcomeResult {
  if (code === status.CANCELLED) return 'cancelled';
  return failures.has(code) ? 'failed' : 'ok';
}

export function loadOf(trailers: Metadata): LoadReport | undefined {
  const [report] = trailers.get(loadTrailer);
  return report instanceof Uint8Array ? decodeLoadReport(report) : undefined;
}
