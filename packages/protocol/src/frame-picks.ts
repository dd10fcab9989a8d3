/** The frame of the native stream by which a client says how often it has chosen instances of services, and its check. */

import { frameLimits as limits } from './frame-limits.ts';
import { serviceName } from './registration-request.ts';
import { compact, field, fields, integer, list, number, optional, type Fields } from './shape.ts';

/**
 * How often a client has chosen instances since its last report, for operators: the registry shows who calls whom. A client sends it only to a
 * registry that asked for it (`pickReportMs` of the welcome), and only when there is something to report.
 */
export interface PickReportFrame {
  readonly type: 'pick-report';
  readonly id: number;
  /** Time that the counts are of, in milliseconds. */
  readonly intervalMs: number;
  readonly services: readonly ServicePicks[];
}

/** Counts of one service over one interval. */
export interface ServicePicks {
  /** Absent: `default`. */
  readonly namespace?: string;
  readonly service: string;
  /** Requests that were sent to an instance; each try counts. */
  readonly picks: number;
  /** Those that failed. */
  readonly failures: number;
  /** Mean time until the answer began, in milliseconds; absent when it is not measured. */
  readonly meanMs?: number;
  /** Of 100 requests, 99 were faster; in milliseconds. */
  readonly p99Ms?: number;
}

/** Longest interval of a report: a client that was cut off for longer begins a new one. */
const intervalMsMax = 3_600_000;

/** Also of tries and failures. */
const countMax = Number.MAX_SAFE_INTEGER;

/** @param namespace checks one, and leaves `default` out */
export function pickReport(frame: Fields, id: number, namespace: (value: unknown, what: string) => string | undefined): PickReportFrame {
  const milliseconds = (value: unknown, what: string) => optional(value, (given) => number(given, what, 0, intervalMsMax));
  return {
    ...{ type: 'pick-report', id, intervalMs: integer(field(frame, 'intervalMs'), 'intervalMs', 1, intervalMsMax) },
    services: list(field(frame, 'services'), 'services', limits.listMax, (value, what) => {
      const of = fields(value, what);
      const picks = integer(field(of, 'picks'), `${what}.picks`, 0, countMax);
      return compact<ServicePicks>({
        namespace: namespace(field(of, 'namespace'), `${what}.namespace`),
        service: serviceName(field(of, 'service'), `${what}.service`),
        picks,
        failures: integer(field(of, 'failures'), `${what}.failures`, 0, countMax),
        meanMs: milliseconds(field(of, 'meanMs'), `${what}.meanMs`),
        p99Ms: milliseconds(field(of, 'p99Ms'), `${what}.p99Ms`),
      });
    }),
  };
}
