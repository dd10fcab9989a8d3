/**
 * Reports the load of a gRPC server with its answers: an interceptor for `@grpc/grpc-js` 1.14 that puts the
 * report into the trailers, as ORCA has it per request
 * (https://github.com/grpc/proposal/blob/master/A51-custom-backend-metrics.md). The caller passes the package
 * in, so that other servers need not install it.
 */

import { LoadMeter } from './load-meter.ts';
import { inFlightMetric, latencyMetric } from './load-report.ts';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { encodeLoadReport, loadTrailer } from './orca.ts';

export interface GrpcReportOptions {
  /** Shared by all servers of one endpoint; a new one by default. */
  readonly meter?: LoadMeter;
  /**
   * Whether a call is part of the load; by default every call without streams is, since a stream may wait
   * for most of its life.
   */
  readonly counts?: (method: GrpcMethod) => boolean;
}

const grpcReportOptions: OptionNames<GrpcReportOptions> = { meter: true, counts: true };

export interface GrpcMethod {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

interface Metadata {
  set(key: string, value: Buffer): void;
}

interface Status<M> {
  code: number;
  details: string;
  metadata?: M | null | undefined;
}

interface Recorder {
  recordApplicationUtilizationMetric(value: number): void;
  recordNamedMetric(name: string, value: number): void;
}

/** The part of a call that this file uses. */
interface Call {
  getMetricsRecorder(): Recorder;
}

interface Responder<M> {
  start(next: (listener: { onCancel(): void }) => void): void;
  sendStatus(status: Status<M>, next: (status: Status<M>) => void): void;
}

/** The part of the package that this file uses. */
export interface GrpcPackage<M extends Metadata, C extends Call, I> {
  readonly ServerInterceptingCall: new (call: C, responder: Responder<M>) => I;
  readonly Metadata: new () => M;
}

/**
 * Statuses of server failures, as HTTP's 5xx: UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED,
 * INTERNAL, UNAVAILABLE, DATA_LOSS.
 */
const failures: ReadonlySet<number> = new Set([2, 4, 8, 12, 13, 14, 15]);

const cancelled = 1;

/** `new grpc.Server({ interceptors: [grpcReports(grpc)] })`, where `grpc` is the whole module `@grpc/grpc-js`. */
export function grpcReports<M extends Metadata, C extends Call, I>(
  grpc: GrpcPackage<M, C, I>,
  options: GrpcReportOptions = {},
): (method: GrpcMethod, call: C) => I {
  const { meter = new LoadMeter(), counts = isUnary } = options;
  checkKnown(options, grpcReportOptions, 'grpcReports');
  return (method, call) => {
    const metered = counts(method) ? meter.begin() : undefined;
    return new grpc.ServerInterceptingCall(call, {
      start: (next) => next({ onCancel: () => metered?.end('cancelled') }),
      sendStatus(status, next) {
        const { code } = status;
        const report = metered === undefined ? meter.report() : meter.reportWithAnswer();
        metered?.end(code === cancelled ? 'cancelled' : failures.has(code) ? 'failed' : 'ok');
        // With `grpc.server_call_metric_recording`, the recorder's message replaces the trailer set here.
        const recorder = call.getMetricsRecorder();
        recorder.recordNamedMetric(inFlightMetric, report.inFlight);
        if (report.latencyMs !== undefined) recorder.recordNamedMetric(latencyMetric, report.latencyMs);
        if (report.utilization !== undefined) recorder.recordApplicationUtilizationMetric(report.utilization);
        const metadata = status.metadata ?? new grpc.Metadata();
        metadata.set(loadTrailer, encodeLoadReport(report));
        next({ ...status, metadata });
      },
    });
  };
}

const isUnary = ({ requestStream, responseStream }: GrpcMethod) => !requestStream && !responseStream;
