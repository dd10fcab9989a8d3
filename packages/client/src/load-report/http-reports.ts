/**
 * Reports the load of an HTTP server with its answers, and answers requests for the load: a middleware for
 * Express and `node:http`, and a hook for Fastify. It names no framework's types, so none is needed to use it.
 *
 * The report is made when the headers are written, not when the request arrives, so that it is fresh.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { LoadMeter } from './load-meter.ts';
import { formatLoadReport, loadHeader, loadPath } from './load-report.ts';

export interface HttpReportOptions {
  /** Shared by all servers of one endpoint; a new one by default. */
  readonly meter?: LoadMeter;
  /**
   * Whether a request is part of the load; all are by default. Leave out those that wait instead of
   * working, such as event streams and long polls, and health checks.
   */
  readonly counts?: (request: IncomingMessage) => boolean;
}

const httpReportOptions: OptionNames<HttpReportOptions> = { meter: true, counts: true };

/** `next` continues with the request; it is not called for a load probe. */
export type HttpReports = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** The part of a Fastify request and reply that this file uses. */
interface FastifyRequest {
  readonly raw: IncomingMessage;
}
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * For Express: `app.use(httpReports())`, before everything else. For `node:http`:
 * `createServer((request, response) => reports(request, response, () => handle(request, response)))`.
 */
export function httpReports(options: HttpReportOptions = {}): HttpReports {
  const { meter = new LoadMeter(), counts = () => true } = options;
  checkKnown(options, httpReportOptions, 'httpReports');
  return (request, response, next) => {
    if (asksForLoad(request)) {
      response.writeHead(204, { [loadHeader]: formatLoadReport(meter.report()), 'cache-control': 'no-store' }).end();
      return;
    }
    if (counts(request)) meterRequest(meter, response);
    next();
  };
}

/** For Fastify: `app.addHook('onRequest', fastifyReports())` at the root, before the routes. */
export function fastifyReports(
  options: HttpReportOptions = {},
): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void {
  const reports = httpReports(options);
  return (request, reply, done) => {
    // Fastify then sends no answer itself.
    if (asksForLoad(request.raw)) reply.hijack();
    reports(request.raw, reply.raw, done);
  };
}

function asksForLoad({ method, url }: IncomingMessage): boolean {
  return url === loadPath && (method === 'GET' || method === 'HEAD');
}

function meterRequest(meter: LoadMeter, response: ServerResponse): void {
  const metered = meter.begin();
  // Called after the last byte of an answer, and when the connection closes before; the first call counts.
  response.once('finish', () => metered.end(response.statusCode >= 500 || response.statusCode === 429 ? 'failed' : 'ok'));
  response.once('close', () => metered.end('cancelled'));
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  // Node calls it also when headers are sent implicitly.
  response.writeHead = (...args: unknown[]) => {
    if (!response.headersSent) response.setHeader(loadHeader, formatLoadReport(meter.reportWithAnswer()));
    return writeHead(...args);
  };
}
