/**
 * Deadline propagation: a request carries its remaining time in a header, and its server passes the rest on
 * with the requests that it makes. So no service, however deep in the chain, starts work after the caller's
 * deadline.
 *
 *     caller ── rollcall-timeout-ms: 800 ──► service ── …: 640 ──► the next one
 *
 * The header holds a duration, not a time, since clocks of machines differ (as `grpc-timeout`,
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). The time on the network is unknown and not
 * subtracted.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../clock.ts';

/** Time left for the request in milliseconds, a whole number. */
export const deadlineHeader = 'rollcall-timeout-ms';

/** Longest time that is accepted from a header: one hour. */
const longestMs = 3_600_000;

/** When the request must be done, on the clock's monotonic time. */
export interface Deadline {
  readonly at: number;
}

/** The deadline of the request that is being served, visible in all of its asynchronous calls. */
const serving = new AsyncLocalStorage<Deadline>();

/** The deadline of the request that is being served, if it came with one. */
export function currentDeadline(): Deadline | undefined {
  return serving.getStore();
}

/**
 * Reads the deadline of a request that arrived.
 * @param header value of `rollcall-timeout-ms`
 * @returns undefined without a header, or when the value is not a whole number
 */
export function readDeadline(header: string | undefined, now: number): Deadline | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return undefined;
  return { at: now + Math.min(Number(header), longestMs) };
}

/** For the header: the time left, at least 1, since 0 would mean that the deadline has passed. */
export function writeDeadline({ at }: Deadline, now: number): string {
  return String(Math.max(1, Math.floor(at - now)));
}

/** The earlier one. */
export function earlier(a: Deadline | undefined, b: Deadline | undefined): Deadline | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.at <= b.at ? a : b;
}

/** The part of a request of `node:http`, Fastify or Express that this file reads. */
export interface IncomingHeaders {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * Serves a request under its deadline: every `rollcall.service(…).fetch` within `serve` has at most the
 * time that is left.
 * @returns what `serve` returns
 */
export function withDeadline<T>(request: IncomingHeaders, serve: () => T, clock: Clock = systemClock): T {
  const header = request.headers[deadlineHeader];
  const deadline = earlier(readDeadline(typeof header === 'string' ? header : undefined, clock.monotonic()), currentDeadline());
  return deadline === undefined ? serve() : serving.run(deadline, serve);
}

/** Milliseconds left for the request that is being served: 0 when it is too late, Infinity without a deadline. */
export function timeLeftMs(clock: Clock = systemClock): number {
  const deadline = currentDeadline();
  return deadline === undefined ? Infinity : Math.max(0, deadline.at - clock.monotonic());
}
