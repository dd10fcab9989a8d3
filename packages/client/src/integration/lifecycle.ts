/**
 * A server's life as an instance: registered when it listens, its health asked of a callback, and on
 * SIGTERM drained before it closes, so that a restart fails no request:
 *
 *     listening ─► register ─► … ─► SIGTERM ─► drain ─► (callers hear of it) ─► close the listener
 *                                                       ─► (answers under way end) ─► deregister
 *
 * For `node:http` and everything that ends in an `http.Server` (Express, Koa); for Fastify and Nest, which
 * close their server themselves, see `frameworks.ts`.
 */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { type CheckStatus, RegistryError } from '@rollcall/protocol';
import { type Clock, systemClock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';
import { type RegisterOptions, registerOptions, type Registration } from '../registration.ts';
import { Health, type HealthOptions } from './health.ts';

/** The part of a client that is needed. */
export interface Registrar {
  announce(options: RegisterOptions): Registration;
}

export interface LifecycleOptions extends RegisterOptions {
  /** Asked whether the program can serve. */
  readonly health?: HealthOptions;
  /**
   * How long requests are still taken after callers were told to stop sending them, in milliseconds, 0 or more.
   * 1,000 by default: far longer than the news takes, for callers whose own connection is just away.
   */
  readonly drainMs?: number;
  /** How long answers under way may take after that, in milliseconds, 0 or more. 10,000 by default. */
  readonly closeMs?: number;
  /** Signals that end the server; `false` when the program does that itself. SIGTERM and SIGINT by default. */
  readonly signals?: readonly NodeJS.Signals[] | false;
}

const lifecycleOptions: OptionNames<LifecycleOptions> = {
  ...registerOptions,
  ...{ health: true, drainMs: true, closeMs: true, signals: true },
};

/** A server that is registered. */
export interface RegisteredServer {
  readonly registration: Registration;
  /** Tells callers to go elsewhere, and resolves when they had the time to; the server still answers. Idempotent. */
  readonly drain: () => Promise<void>;
  /** Drains, closes the server, and deregisters. Idempotent. */
  readonly close: () => Promise<void>;
}

const healthCheck = 'health';
/** How long a server that has begun to listen waits for a registry before it goes on without one, in milliseconds. */
const registerMs = 1_000;
/** How long the registry has to hear that the server drains, in milliseconds. */
const tellMs = 1_000;
/** How often connections that have become idle are closed. */
const idleMs = 50;

/** What a test drives. */
export interface LifecycleSurroundings {
  readonly clock?: Clock;
}

/**
 * Registers a server as soon as it listens, and resolves when the registry has it, after a second at the latest: a
 * registry that is away, or does not take it, keeps no server from starting. It is tried until it is registered or closed;
 * `onEvent` of the client tells, and `registration.registered()` waits.
 * @param server of `node:http`, or of what is made on it; listening or about to
 * @throws RegistryError as `Rollcall.announce`; `failed_precondition` when the server has no port;
 *   `invalid_argument` for an option out of its range
 */
export async function registerServer(
  rollcall: Registrar,
  server: Server,
  options: LifecycleOptions,
  { clock = systemClock }: LifecycleSurroundings = {},
): Promise<RegisteredServer> {
  checkKnown(options, lifecycleOptions, 'registerServer');
  const { health, drainMs = 1_000, closeMs = 10_000, signals = ['SIGTERM', 'SIGINT'], ...wished } = options;
  checkRange(drainMs >= 0 && drainMs < Infinity, 'drainMs', drainMs, '0 or more');
  checkRange(closeMs >= 0 && closeMs < Infinity, 'closeMs', closeMs, '0 or more');
  const asking = health && new Health(health, clock);
  if (!server.listening) await once(server, 'listening');
  const checks = asking === undefined ? wished.checks : [...(wished.checks ?? []), { name: healthCheck, ttlMs: asking.ttlMs }];
  const registration = rollcall.announce({ ...placeOf(server), ...wished, ...(checks && { checks }) });
  await Promise.race([registration.registered().catch(() => {}), pause(clock, registerMs)]);
  asking?.start((status: CheckStatus, output) => registration.beat(healthCheck, status, output));

  let leaving = false;
  // Before the program's own listener, which may answer at once.
  server.prependListener('request', (_request, response) => {
    // Kept connections would go on to be used for as long as their callers like.
    if (leaving) response.shouldKeepAlive = false;
  });
  const drainNow = async () => {
    leaving = true;
    // A registry that cannot be told now hears of it later; waiting for it would hold up the shutdown.
    await Promise.race([registration.drain().catch(() => {}), pause(clock, tellMs)]);
    await pause(clock, drainMs);
  };
  let draining: Promise<void> | undefined;
  const drain = () => (draining ??= drainNow());
  const closeNow = async () => {
    try {
      await drain();
      await closeServer(server, clock, closeMs);
    } finally {
      asking?.stop();
      await registration.close();
      stopListening();
    }
  };
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeNow());
  const stopListening = signals === false ? () => {} : onSignals(signals, close);
  return { registration, drain, close };
}

/** Where the server can be reached, as far as it knows: a server on all interfaces leaves its address open. */
function placeOf(server: Server): { address?: string; port: number } {
  const place = server.address();
  if (place === null || typeof place === 'string') {
    throw new RegistryError('failed_precondition', `the server listens on ${place ?? 'nothing'}; only one with a port can be registered`);
  }
  const { address, port } = place;
  return address === '0.0.0.0' || address === '::' ? { port } : { address, port };
}

async function closeServer(server: Server, clock: Clock, closeMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  // Connections whose answer was under way become idle one by one, and would keep the server open.
  let stopIdle = () => {};
  const closeIdle = () => {
    server.closeIdleConnections();
    stopIdle = clock.timer(idleMs, closeIdle);
  };
  closeIdle();
  const stopAll = clock.timer(closeMs, () => server.closeAllConnections());
  await closed;
  stopIdle();
  stopAll();
}

/** Ends the process by the signal when all is done, as it would have ended without us. */
function onSignals(signals: readonly NodeJS.Signals[], close: () => Promise<void>): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    const end = () => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    close().then(end, end);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.timer(ms, resolve));
}
