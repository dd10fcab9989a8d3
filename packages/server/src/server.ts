/**
 * The composition root: with `core.ts`, the only file that sees every part and creates clocks, randomness and sockets.
 * All other parts get them as arguments. This file joins the front ends to the rest, and starts and stops a server.
 */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RegistryError } from '@rollcall/protocol';
import { systemClock } from './clock.ts';
import type { AllProcesses } from './all-processes.ts';
import { clientHistoryOf } from './clients/client-history.ts';
import { Clients } from './clients/clients.ts';
import type { LookFilesOptions } from './clients/look-files.ts';
import { ZoneLoads } from './clients/zone-loads.ts';
import { closeCore, createCore, deferred, openFiles, type Core } from './core.ts';
import { followed } from './engine/followed.ts';
import { memory } from './engine/memory/memory.ts';
import { carryOver } from './carry-over.ts';
import { writeBackup } from './backup/backup.ts';
import { restoreInSteps, restoreTransaction } from './backup/restore.ts';
import { readBackup } from './backups.ts';
import type { AdminDeps } from './frontend/admin/deps.ts';
import { defineOwn, type OwnDefinitions } from './frontend/consul/agent/own-definitions.ts';
import { chooseFrontends, frontendTable, makeFrontend, type Chosen, type FrontendTable } from './frontends.ts';
import { Wheel } from './health/wheel.ts';
import { notReady } from './freshness.ts';
import { factsOf, statusOf, type Serving } from './node-facts.ts';
import { assertServable } from './migrate.ts';
import { clusterKeyOf, identify } from './identity.ts';
import { Rollouts } from './rollouts/rollouts.ts';
import { fetchTextFrom } from './security/fetch-text.ts';
import { peerUrl, shareStore, type SharedStore } from './shared-store.ts';
import { keepHouse } from './housekeeping.ts';
import { ZnodeReaper } from './znode-reaper.ts';
import { assertAddressesAllowed, grpcAddress, httpAddresses, nodeAddress, nodesAddress, urlOf } from './listen-addresses.ts';
import { Listeners, type Ports } from './listeners.ts';
import { Locks } from './locks/locks.ts';
import { Answers } from './net/answers.ts';
import type { Context, Frontend, HttpService, Identity } from './net/frontend.ts';
import type { ListenAddress } from './net/listen-address.ts';
import { loadSoon } from './net/late-frontend.ts';
import { listen } from './net/listener.ts';
import { OriginPolicy } from './net/own-origin.ts';
import type { Registry } from './registry/registry.ts';
import type { ServerOptions } from './server-options.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { Webhooks } from './webhooks/webhooks.ts';

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

function allowedFrontends(options: ServerOptions, table: FrontendTable): Chosen[] {
  const chosen = chooseFrontends(options, table);
  assertAddressesAllowed(options, chosen.flatMap(({ entry }) => [...(entry.httpAddresses?.(options) ?? []), ...(entry.addresses?.(options) ?? [])]));
  return chosen;
}

/** @param hasStore whether only this process opens the store; others may follow it */
async function serve(core: Core, options: ServerOptions, table: FrontendTable, hasStore: boolean): Promise<Server> {
  const { engine, clock, log, limits, metrics, replica, history, liveness, security, resolve, random } = core;
  const chosen = allowedFrontends(options, table);
  const addresses = httpAddresses(options);
  const forNodes = nodesAddress(options);
  const carried = await carryOver(engine);
  if (carried > 0) log.info({ records: carried }, 'carried the store over to the formats of this version');
  await replica.start();
  history.start();
  assertServable(replica.state);
  security.acl.start();
  await security.admin.initialise(options.acl?.initialManagement);
  const identity = await identify({ registry: replica, hasStore, address: nodeAddress(addresses) }, options);
  const key = engine.exclusive ? undefined : await clusterKeyOf(replica);
  const serving: Serving = { ready: false, certificates: () => [] };
  const status = () => statusOf(core, serving, options);
  const { configurations } = core;
  const { nodeName, nodeId } = identity;
  const clients = new Clients({ ...{ nodeName, clock }, ...clientHistoryOf(history.bounds.bytesMax, keptClients(identity, options, log)), memberId: options.worker?.memberId ?? nodeId, describe: (accessorId) => security.acl.store.tokenAnywhere(accessorId)?.description });
  const zoneLoads = new ZoneLoads(options.worker?.memberId ?? nodeId);
  const store = shareStore(core, { identity, key, status, facts: () => factsOf(core, serving, options), readers: configurations.readers, clients, zoneLoads }, options);
  configurations.askAll({ who: (name) => store.channel.allReaders.ask(name), drift: (namespace) => store.channel.allDrift.ask({ namespace }) });
  clients.askAll(store.channel.allClients);
  zoneLoads.askAll(() => store.channel.allLoads.ask({}));
  await liveness.start(store.ownership);

  const wheel = new Wheel({ clock, onError: (err) => log.error({ err }, 'a timeout failed') });
  const context: Context = {
    registry: replica,
    configurations,
    clients,
    health: liveness,
    locks: new Locks({ registry: replica, health: liveness, wheel }),
    history,
    clock,
    wheel,
    answers: new Answers(limits.answerBytesMax),
    identity,
    limits,
    security,
    activity: store.channel.activity,
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
  const webhooks = new Webhooks({ registry: replica, history, clock, random, uuid: randomUUID, send: core.send, ownership: store.ownership, log, metrics });
  const parts = { options, webhooks, zoneLoads, admin: adminDeps(core, { serving, leave, overrideExpiry: store.channel.overrideExpiry, allProcesses: store.channel.allProcesses, cluster: async () => ({ own: store.ownership.nodeId, engine: engine.name, ...(await store.channel.allFacts.ask({})) }) }), peer: store.channel.deps, apolloKeys: core.apolloKeys, send: core.send, outward: { ownership: store.ownership, resolve, random } };
  const running = await Promise.all(chosen.map(async (each) => ({ frontend: await makeFrontend(each, context, parts), addresses: each.entry.addresses?.(options) ?? [] })));
  const answerWaiting = () => Promise.all(running.map(({ frontend }) => frontend.close()));
  const listeners = new Listeners({ limits, clock, log, metrics, answerWaiting });
  serving.certificates = () => listeners.certificates;
  try {
    const shared = [...addresses, ...chosen.flatMap(({ entry }) => entry.httpAddresses?.(options) ?? [])];
    await openAll(listeners, { shared, forNodes, grpc: grpcAddress(options) }, running, context);
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
  webhooks.start();
  clients.history.start();
  const stopHousekeeping = keepHouse(replica, wheel, clock, log);
  const znodeReaper = new ZnodeReaper({ registry: replica, clock, log, ownership: store.ownership });
  const stopLoading = loadSoon(running.map(({ frontend }) => frontend), clock);
  serving.ready = true;
  const { ports } = listeners;
  const url = urlOf(forNodes !== undefined && addresses.length === 0 ? [forNodes] : addresses, (name) => ports[name] ?? 0);
  log.info({ url, ports, engine: engine.name, revision: replica.state.revision }, 'serving');

  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    serving.ready = false;
    stopLoading();
    stopHousekeeping();
    znodeReaper.close();
    rollouts.close();
    await webhooks.close();
    await clients.history.close();
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

/** The addresses that front ends share. */
interface Shared {
  readonly shared: readonly ListenAddress[];
  readonly forNodes: ListenAddress | undefined;
  readonly grpc: ListenAddress | undefined;
}

/** HTTP first, so that front ends know its ports when they start; their own listeners last. */
async function openAll(
  listeners: Listeners,
  { shared, forNodes, grpc }: Shared,
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
  if (grpc !== undefined) await openGrpc(listeners, grpc, running, context);
  for (const { frontend, addresses } of running) {
    for (const address of addresses) {
      await listeners.open(address, (opening) => {
        if (frontend.listen === undefined) throw new Error(`the table has an address for the front end ${frontend.name}, which opens none`);
        return frontend.listen(address, opening);
      });
    }
  }
}

/** @throws RegistryError `invalid_argument` when no front end has a gRPC method */
async function openGrpc(listeners: Listeners, address: ListenAddress, running: readonly Running[], { limits, clock }: Context): Promise<void> {
  const methods = (await Promise.all(running.map(async ({ frontend }) => frontend.grpc?.() ?? []))).flat();
  if (methods.length === 0) throw new RegistryError('invalid_argument', 'gRPC has an address, but none of the chosen front ends is served over it; add xds or flagd to frontends, or leave grpc out');
  // `@grpc/grpc-js` takes 34 ms to load.
  const { listenGrpc, sharedGrpc } = await import('./net/grpc/listener.ts');
  await listeners.open(address, (opening) => listenGrpc({ ...sharedGrpc, address, opening, methods, limits, clock }));
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

function keptClients({ registryId: storeId }: Identity, { history: { folder, clientsFolder } = {} }: ServerOptions, log: Core['log']): Omit<LookFilesOptions, 'bytesMax'> | undefined {
  const own = clientsFolder ?? (folder === undefined ? undefined : join(folder, 'clients'));
  return own === undefined ? undefined : { folder: own, storeId, log };
}

interface AdminParts {
  readonly allProcesses: Omit<AllProcesses, 'methods'>;
  readonly cluster: AdminDeps['cluster'];
  readonly overrideExpiry: AdminDeps['overrideExpiry'];
  readonly serving: Serving;
  readonly leave: () => Promise<void>;
}

function adminDeps(core: Core, { serving, leave, allProcesses, cluster, overrideExpiry }: AdminParts): AdminDeps {
  const { replica } = core;
  return {
    leave,
    cluster,
    metricsPage: () => allProcesses.metricsPage(),
    backup: writeBackup,
    restore: (backup) => restore(core, backup),
    notReady: () => notReady(serving, replica),
    processes: () => allProcesses.statuses(),
    overrideExpiry,
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
