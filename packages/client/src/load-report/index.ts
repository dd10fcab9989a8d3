/** `@rollcall/client/load-report`: how servers report their load, and how clients read it. */

export { fastifyReports, httpReports } from './http-reports.ts';
export type { HttpReportOptions, HttpReports } from './http-reports.ts';
export { grpcReports } from './grpc-reports.ts';
export type { GrpcMethod, GrpcPackage, GrpcReportOptions } from './grpc-reports.ts';
export { eventLoopUtilization } from './event-loop-utilization.ts';
export { LoadMeter } from './load-meter.ts';
export type { MeteredReport, MeteredRequest, MeteredResult } from './load-meter.ts';
export { formatLoadReport, loadHeader, loadPath, parseLoadReport } from './load-report.ts';
export type { LoadReport } from './load-report.ts';
export { decodeLoadReport, encodeLoadReport, loadTrailer } from './orca.ts';
