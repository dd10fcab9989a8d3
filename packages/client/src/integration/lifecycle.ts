/**
 * The lifecycle of a server as an instance: it is registered when it listens, a callback gives its health, and
 * on SIGTERM it is drained before it closes, so that no request fails in a restart:
 *
 *     listening ─► register ─► … ─► SIGTERM ─► drain ─► (callers learn of it) ─► close the listener
 *                                                       ─► (answers in progress end) ─► deregister
 *
 * For `node:http` and everything that ends in an `http.Server` (Express, Koa); for Fastify and Nest, which
 * close their server themselves, see `frameworks.ts`.
 */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { type CheckStatus, RegistryError } from '@rollcall/protocol';
import { pause, type Clock, systemClock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';
import { type RegisterOptions, registerOptions, type Registration } from '../registration.ts';
import { Health, type HealthOptions } from './health.ts';

/** The part of a client that this file uses. */
export interface Registrar {
  announce(options: RegisterOptions): Registration;
}

export interface LifecycleOptions extends RegisterOptions {
  /** Reports whether the program can serve. */
  readonly health?: HealthOptions;
  /**
   * How long the server still accepts requests after callers were told to stop, in milliseconds, 0 or more.
   * 1,000 by default: much longer than the change takes to reach callers, for callers whose connection to the registry
   * is interrupted at that moment.
   */
  readonly drainMs?: number;
  /** How long answers in progress may take after that, in milliseconds, 0 or more. 10,000 by default. */
  readonly closeMs?: number;
  /** Signals that close the server; `false` when the program does that itself. SIGTERM and SIGINT by default. */
  readonly signals?: readonly NodeJS.Signals[] | false;
}

const lifecycleOptions: OptionNames<LifecycleOptions> = {
  ...registerOptions,
  ...{ health: true, drainMs: true, closeMs: true, signals: true },
};

/** A server that is registered. */
export interface RegisteredServer {
  readonly registration: Registration;
  /**
   * Tells callers to use other instances, and resolves after `drainMs`; the server still answers. Idempotent.
   */
  readonly drain: () => Promise<void>;
  /** Drains, closes the server, and deregisters. Idempotent. */
  readonly close: () => Promise<void>;
}

const healthCheck = 'health';
/** How long a server that listens waits for the registry before it continues without one, in milliseconds. */
const registerMs = 1_000;
/** Longest wait until the registry has the draining status, in milliseconds. */
const tellMs = 1_000;
/** How often connections that have become idle are closed, in milliseconds. */
const idleMs = 50;

/** Replaced in tests. */
export interface LifecycleSurroundings {
  readonly clock?: Clock;
}

/**
 * Registers a server as soon as it listens, and resolves when the registry has it, after a second at the
 * latest: a registry that is unreachable or refuses it does not stop the server from starting. Registering is
 * tried until it succeeds or the server closes; `onEvent` of the client reports it, and
 * `registration.registered()` waits for it.
 * @param server of `node:http`, or of a framework on top of it; listening or about to listen
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
  // Runs before the program's own listener, which may answer at once.
  server.prependListener('request', (_request, response) => {
    // Otherwise callers could use kept connections without end.
    if (leaving) response.shouldKeepAlive = false;
  });
  const drainNow = async () => {
    leaving = true;
    // An unreachable registry gets the status later; waiting for that would delay the shutdown.
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

/** Address and port of the server, if known; without an address when the server listens on all interfaces. */
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
  // Connections whose answer was in progress become idle one by one, and would keep the server open.
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

/** Ends the process by the signal after the shutdown, as it would end without this handler. */
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
