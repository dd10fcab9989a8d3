/**
 * The composition root: with `core.ts`, the only file that sees every part and creates clocks, randomness and sockets.
 * All other parts get them as arguments. This file joins the front ends to the rest, and starts and stops a server.
 */

import { randomUUID } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import { systemClock } from './clock.ts';
import type { AllProcesses } from './all-processes.ts';
import { closeCore, createCore, deferred, openFiles, type Core } from './core.ts';
import { followed } from './engine/followed.ts';
import { memory } from './engine/memory/memory.ts';
import { carryOver } from './carry-over.ts';
import { writeBackup } from './backup/backup.ts';
import { restoreInSteps, restoreTransaction } from './backup/restore.ts';
import { readBackup } from './backups.ts';
import type { AdminDeps, ProcessStatus } from './frontend/admin/deps.ts';
import { defineOwn, type OwnDefinitions } from './frontend/consul/agent/own-definitions.ts';
import { chooseFrontends, frontendTable, type FrontendEntry, type FrontendTable } from './frontends.ts';
import { Wheel } from './health/wheel.ts';
import { notReady } from './freshness.ts';
import { assertServable } from './migrate.ts';
import { clusterKeyOf, identify } from './identity.ts';
import { Rollouts } from './rollouts/rollouts.ts';
import { fetchTextFrom } from './security/fetch-text.ts';
import { peerUrl, shareStore, type SharedStore } from './shared-store.ts';
import { keepHouse } from './housekeeping.ts';
import { assertAddressesAllowed, httpAddresses, nodeAddress, nodesAddress, urlOf } from './listen-addresses.ts';
import { Listeners, type Ports } from './listeners.ts';
import { Locks } from './locks/locks.ts';
import { Answers } from './net/answers.ts';
import type { Context, Frontend, HttpService } from './net/frontend.ts';
import type { ListenAddress } from './net/listen-address.ts';
import { listen } from './net/listener.ts';
import { OriginPolicy } from './net/own-origin.ts';
import type { Registry } from './registry/registry.ts';
import type { ServerOptions } from './server-options.ts';
import type { Metrics } from './telemetry/metrics.ts';

export type { ServerOptions } from './server-options.ts';

export interface WorkerAccess {
  readonly url: string;
  /** The key that the nodes of the store share. */
  readonly secret: string;
  /** The id of this node, which its workers share. */
  readonly nodeId: string;
}

export interface Server {
  /** `http://127.0.0.1:8500`; the URL of TLS when there is no other, `unix:///path` when there is only a socket. */
  readonly url: string;
  /** The port of each listener, by name. */
  readonly ports: Ports;
  readonly registry: Registry;
  readonly metrics: Metrics;
  /** Resolves with an error when the server can no longer follow its log and must be stopped. */
  readonly fatal: Promise<RegistryError>;
  /** How workers on this machine follow this server; undefined without `nodes`, or when other processes use the store. */
  readonly forWorkers?: WorkerAccess;
  /** Resolves when an operator has made this node leave its store: it serves no more requests and should be closed. */
  readonly left: Promise<void>;
  /**
   * Registers services and checks on the server's own node, as Consul's agent does with those in its files. It removes
   * services and checks of an earlier call that are now missing.
   * @throws RegistryError `invalid_argument`, before anything is changed
   */
  define(definitions: OwnDefinitions): Promise<void>;
  /**
   * Reads the certificate files now, instead of some seconds after a change.
   * @returns whether the new certificates are in use; otherwise the old ones are, and the log has the reason
   */
  reloadCertificates(): Promise<boolean>;
  /** Answers parked requests, tells streams to reconnect elsewhere, finishes commits, and closes the engine. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a registry in this process.
 *
 * @throws RegistryError `failed_precondition` when an address or the store is in use, or other machines reach an
 *   unprotected address (`assertListenersAllowed`); `invalid_argument` when nothing is served, or a certificate
 *   or the audit log cannot be used; `data_loss` when the store cannot be read
 */
export function createServer(options: ServerOptions = {}): Promise<Server> {
  return startServer(options, frontendTable);
}

/** The same, with another table of front ends: tests add their own. */
export async function startServer(options: ServerOptions, table: FrontendTable): Promise<Server> {
  const store = await (options.engine ?? memory());
  const engine = options.followers === true && store.exclusive ? followed(store, { clock: options.clock ?? systemClock }) : store;
  const core = createCore(engine, await openFiles(engine, options), options);
  try {
    return await serve(core, options, table, store.exclusive);
  } catch (error) {
    await closeCore(core);
    throw error;
  }
}

/**
 * Checks whether a server with these options may listen on its addresses. Pure.
 * @throws RegistryError `failed_precondition` when other machines reach an address that lacks the protection it needs;
 *   `invalid_argument` when HTTP is not served, TLS lacks a file, or a front end is unknown
 */
export function assertListenersAllowed(options: ServerOptions): void {
  allowedFrontends(options, frontendTable);
}

function allowedFrontends(options: ServerOptions, table: FrontendTable): FrontendEntry[] {
  const chosen = chooseFrontends(options, table);
  assertAddressesAllowed(options, chosen.flatMap((entry) => [...(entry.httpAddresses?.(options) ?? []), ...(entry.addresses?.(options) ?? [])]));
  return chosen;
}

/** @param hasStore whether only this process opens the store; others may follow it */
async function serve(core: Core, options: ServerOptions, table: FrontendTable, hasStore: boolean): Promise<Server> {
  const { engine, clock, log, limits, metrics, replica, liveness, security, resolve, random } = core;
  const chosen = allowedFrontends(options, table);
  const addresses = httpAddresses(options);
  const forNodes = nodesAddress(options);
  const carried = await carryOver(engine);
  if (carried > 0) log.info({ records: carried }, 'carried the store over to the formats of this version');
  await replica.start();
  assertServable(replica.state);
  security.acl.start();
  await security.admin.initialise(options.acl?.initialManagement);
  const identity = await identify({ registry: replica, hasStore, address: nodeAddress(addresses) }, options);
  const key = engine.exclusive ? undefined : await clusterKeyOf(replica);
  const serving = { ready: false };
  const status = () => statusOf(core, serving, options);
  const { configurations } = core;
  const store = shareStore(core, { identity, key, status, readers: configurations.readers }, options);
  configurations.askAll(store.channel.allReaders.who);
  await liveness.start(store.ownership);

  const wheel = new Wheel({ clock, onError: (err) => log.error({ err }, 'a timeout failed') });
  const context: Context = {
    registry: replica,
    configurations,
    health: liveness,
    locks: new Locks({ registry: replica, health: liveness, wheel }),
    clock,
    wheel,
    answers: new Answers(limits.answerBytesMax),
    identity,
    limits,
    security,
    origins: new OriginPolicy(options),
    metrics,
    log,
    ...(store.channel.logLines === undefined ? {} : { logLines: store.channel.logLines }),
    uuid: randomUUID,
    ...(options.reload === undefined ? {} : { reload: options.reload }),
  };
  const left = deferred<void>();
  const drainAll = () => Promise.all(running.map(async ({ frontend }) => frontend.drain?.()));
  const leave = async () => {
    if (hasStore || options.worker !== undefined) throw new RegistryError('failed_precondition', cannotLeave);
    await leaveStore(store, drainAll);
    left.resolve();
  };
  const parts = { options, admin: adminDeps(core, { serving, leave, allProcesses: store.channel.allProcesses }), peer: store.channel.deps, apolloKeys: core.apolloKeys, outward: { ownership: store.ownership, resolve, random } };
  const running = chosen.map((entry) => ({ frontend: entry.make(context, parts), addresses: entry.addresses?.(options) ?? [] }));
  const answerWaiting = () => Promise.all(running.map(({ frontend }) => frontend.close()));
  const listeners = new Listeners({ limits, clock, log, metrics, answerWaiting });
  try {
    const shared = [...addresses, ...chosen.flatMap((entry) => entry.httpAddresses?.(options) ?? [])];
    await openAll(listeners, { shared, forNodes }, running, context);
    await store.join(listeners.ports, () => running.forEach(({ frontend }) => frontend.membersChanged?.()));
  } catch (error) {
    await listeners.close();
    throw error;
  }
  const rollouts = new Rollouts({
    ...{ registry: replica, clock, log, ownership: store.ownership, audit: core.auditTrail },
    isFrozen: () => liveness.status().frozen,
    ask: fetchTextFrom(resolve),
    publishProposal: (ref, number) => core.configurations.publishProposal(ref, number, {}),
  });
  rollouts.start();
  const stopHousekeeping = keepHouse(replica, wheel, clock, log);
  serving.ready = true;
  const { ports } = listeners;
  const url = urlOf(forNodes !== undefined && addresses.length === 0 ? [forNodes] : addresses, (name) => ports[name] ?? 0);
  log.info({ url, ports, engine: engine.name, revision: replica.state.revision }, 'serving');

  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    serving.ready = false;
    stopHousekeeping();
    rollouts.close();
    await listeners.close();
    await store.leave();
    await store.channel.peers.close();
    await closeCore(core);
    log.info('closed');
  };
  const close = () => (closing ??= shutDown());
  return {
    url,
    ports,
    registry: replica,
    metrics,
    fatal: core.fatal,
    left: left.promise,
    ...(forNodes === undefined || key === undefined ? {} : { forWorkers: { url: peerUrl(options, identity, ports), secret: key.secret, nodeId: identity.nodeId } }),
    reloadCertificates: () => listeners.reloadCertificates(),
    define: (definitions) => defineOwn({ registry: replica, identity }, definitions),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A front end that runs, and the addresses of its own listeners. */
interface Running {
  readonly frontend: Frontend;
  readonly addresses: readonly ListenAddress[];
}

/** HTTP first, so that front ends know its ports when they start; their own listeners last. */
async function openAll(
  listeners: Listeners,
  { shared, forNodes }: { readonly shared: readonly ListenAddress[]; readonly forNodes: ListenAddress | undefined },
  running: readonly Running[],
  context: Context,
): Promise<void> {
  const { identity, origins, limits, clock, log } = context;
  const services = running.flatMap(({ frontend }) => frontend.http ?? []);
  if (services.length === 0) {
    throw new RegistryError('invalid_argument', 'none of the chosen front ends is served over HTTP; add one to frontends');
  }
  const open = (address: ListenAddress, served: readonly HttpService[]) =>
    listeners.open(address, (opening) => listen({ ...opening, at: address.at, services: served, origins, limits, clock, log }));
  for (const address of shared) await open(address, services);
  if (forNodes !== undefined) await open(forNodes, running.flatMap(({ frontend }) => (frontend.name === 'peer' ? (frontend.http ?? []) : [])));
  identity.httpPort = listeners.ports.http;
  identity.httpsPort = listeners.ports.https ?? 0;
  for (const { frontend } of running) await frontend.start?.();
  for (const { frontend, addresses } of running) {
    for (const address of addresses) {
      await listeners.open(address, (opening) => {
        if (frontend.listen === undefined) throw new Error(`the table has an address for the front end ${frontend.name}, which opens none`);
        return frontend.listen(address, opening);
      });
    }
  }
}

const cannotLeave = 'this server keeps the store, or is a worker of the one that does, so it cannot leave it; stop its process instead';

/**
 * Makes this node leave its store: it gets no new deadlines, its clients go to other nodes, then its membership ends.
 * @throws RegistryError `failed_precondition` when there is no other node
 */
async function leaveStore(store: SharedStore, drainAll: () => Promise<unknown>): Promise<void> {
  if (!store.isShared) throw new RegistryError('failed_precondition', 'this server has its store for itself, so there is nothing to leave; stop its process instead');
  await store.drain();
  await drainAll();
  await store.leave();
}

interface AdminParts {
  readonly allProcesses: Omit<AllProcesses, 'methods'>;
  readonly serving: { readonly ready: boolean };
  readonly leave: () => Promise<void>;
}

function statusOf({ replica, liveness }: Core, serving: { readonly ready: boolean }, { worker }: ServerOptions): ProcessStatus {
  const reason = notReady(serving, replica);
  return {
    ...{ process: worker === undefined ? 'primary' : `worker ${worker.number}`, pid: process.pid, ready: reason === undefined },
    ...(reason === undefined ? {} : { reason }),
    ...{ revision: replica.state.revision, liveness: liveness.status() },
  };
}

function adminDeps(core: Core, { serving, leave, allProcesses }: AdminParts): AdminDeps {
  const { replica } = core;
  return {
    leave,
    metricsPage: () => allProcesses.metricsPage(),
    backup: writeBackup,
    restore: (backup) => restore(core, backup),
    notReady: () => notReady(serving, replica),
    processes: () => allProcesses.statuses(),
    overrideExpiry: () => allProcesses.overrideExpiry(),
  };
}

async function restore(
  { replica, engine, limits }: Core,
  source: AsyncIterable<Buffer>,
): Promise<{ records: number; revision: number }> {
  const backup = await readBackup(source, limits.restoreBytesMax);
  if (engine.limits.operations === Infinity) await replica.replace((state) => restoreTransaction(backup, state));
  else await replica.submit(restoreInSteps(backup, replica.state));
  return { records: backup.records.length, revision: replica.state.revision };
}
