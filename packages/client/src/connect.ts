/** `connect`: from options to a client, with the real clock, randomness, files and sockets. */

import { checkKnown, type OptionNames } from './option-check.ts';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { RegistryError, defaultNamespace, frameLimits, isNamespaceName, namespaceLengthMax, type FrameView, type GossipOptions, type Instance, type RouteEntry } from '@rollcall/protocol';
import { Rollcall } from './client.ts';
import { keepAlive, systemClock, systemRandom, type Clock, type Random } from './clock.ts';
import { DiskCache } from './source/disk-cache.ts';
import { guardedListener, warn } from './event-listener.ts';
import type { CachedView, Known } from './connection/cached-view.ts';
import { credentialSource, type CredentialOptions, type CredentialSource } from './connection/credentials.ts';
import { ConfigCache } from './config/kept-config.ts';
import type { GossipSurroundings, OpenedGossip } from './gossip/open-gossip.ts';
import { WatchedConfigs } from './config/watched-configs.ts';
import { PickReports } from './connection/pick-reports.ts';
import { Leases } from './connection/leases.ts';
import { Contenders } from './lock/contenders.ts';
import { Registrations } from './connection/registrations.ts';
import { serverUrl } from './connection/rotation.ts';
import type { ConnectionEvent } from './connection/connection-event.ts';
import type { OpenLink } from './connection/registry-link.ts';
import { WatchedViews } from './connection/watched-views.ts';
import { WatchCache } from './source/watch-cache.ts';

/**
 * If the token and the TLS files are not given here, they come from the environment: ROLLCALL_TOKEN,
 * ROLLCALL_TOKEN_FILE, ROLLCALL_CA_FILE, ROLLCALL_CERT_FILE, ROLLCALL_KEY_FILE, ROLLCALL_TLS_SERVER_NAME.
 */
export interface ConnectOptions extends CredentialOptions {
  /**
   * The registry's servers, as `http://host:port` or `https://host:port`. The client uses a random one, and the next
   * when it is unreachable. By default those of the environment variable ROLLCALL_HTTP_ADDR (separated by commas),
   * else http://127.0.0.1:8500.
   */
  readonly servers?: readonly string[];
  /**
   * Without a registry: the client joins this group of processes, and finds what its members register. Needs the package
   * `@rollcall/gossip`. Excludes `servers` and credentials; there are no keys, locks and configurations.
   */
  readonly gossip?: GossipOptions;
  /** Shown in the registry as the name of the session; `rollcall client` by default. */
  readonly name?: string;
  /** Node that the instances of this process are on; by default derived from its address. */
  readonly node?: string;
  /**
   * Namespace of everything that this client registers, finds and keeps; by default that of the environment variable
   * ROLLCALL_NAMESPACE, else `default`. A namespace other than `default` must have been created.
   */
  readonly namespace?: string;
  /** Folder of the disk cache, which keeps lists of instances and configurations between runs of the process. By default there is no disk cache. */
  readonly cacheDir?: string;
  /** Longest that an operation waits for the registry, in milliseconds, 1 or more; 5,000 by default. */
  readonly timeoutMs?: number;
  /**
   * Time for which the registry keeps this client's instances after the connection is lost, in milliseconds,
   * 1,000 to 300,000; 10,000 by default. During this time they are critical: no client picks them.
   */
  readonly graceMs?: number;
  /** Closes the client. */
  readonly signal?: AbortSignal;
  /**
   * Called with events of the connection and of registrations. Its first error becomes a process warning.
   * Without it, each instance that is not registered gives a process warning.
   */
  readonly onEvent?: (event: ConnectionEvent) => void;
}

const connectOptions: OptionNames<ConnectOptions> = {
  servers: true, gossip: true, name: true, node: true, namespace: true, cacheDir: true, timeoutMs: true, graceMs: true, signal: true,
  onEvent: true, token: true, tokenFile: true, caFile: true, certFile: true, keyFile: true,
  tlsServerName: true,
};

/** Replaced in tests. */
export interface ConnectSurroundings {
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
/**
 * Creates a client. Resolves at once, whether or not a registry can be reached: lists come from the cache, if
 * there is one, and operations wait for the connection up to `timeoutMs`. If the registry refuses the token,
 * waiting operations end with `unauthenticated` at once, and the client tries again automatically, with the
 * token that is then in the file. An open client keeps its process running; close it, or use `await using`.
 *
 * @throws RegistryError `invalid_argument` for an invalid option; the signal's reason when it has aborted
 */
export async function connect(
  options: ConnectOptions = {},
  { clock = systemClock, random = systemRandom }: ConnectSurroundings = {},
): Promise<Rollcall> {
  checkKnown(options, connectOptions, 'connect');
  const { name = 'rollcall client', node, cacheDir, signal, timeoutMs = 5_000, graceMs = 10_000, onEvent } = options;
  const named = options.gossip === undefined ? (options.servers ?? serversOfEnvironment(process.env['ROLLCALL_HTTP_ADDR'])).map(serverUrl) : [];
  requireOption(named.length > 0 || options.gossip !== undefined, 'servers is empty; name at least one');
  requireOption(options.gossip === undefined || options.servers === undefined, 'gossip and servers exclude each other');
  requireOption(timeoutMs >= 1 && Number.isFinite(timeoutMs), `timeoutMs is ${timeoutMs}; it must be 1 or more`);
  requireOption(graceMs >= 1_000 && graceMs <= 300_000, `graceMs is ${graceMs}; it must be from 1000 to 300000`);
  requireOption(name !== '' && name.length <= frameLimits.nameMax, `name must have 1 to ${frameLimits.nameMax} characters`);
  const namespace = options.namespace ?? (process.env['ROLLCALL_NAMESPACE'] || defaultNamespace);
  requireOption(isNamespaceName(namespace), `namespace is ${JSON.stringify(namespace)}; it must be 1 to ${namespaceLengthMax} letters, digits and inner hyphens`);
  signal?.throwIfAborted();

  const listener = guardedListener(onEvent ?? registrationWarnings(), 'onEvent of connect');
  // Called in a microtask, so that a listener's calls do not interrupt the client's parts either.
  const tell = (event: ConnectionEvent) => queueMicrotask(() => listener(event));
  // An instance that is registered may be one that a rollout gives another release.
  const tellRegistered = (event: ConnectionEvent) => {
    if (event.kind === 'registered') configs.registered(event);
    tell(event);
  };
  const onWarning = (message: string) => tell({ kind: 'warning', message });
  const uuid = randomUUID;
  const credentials = options.gossip === undefined ? readCredentials(options) : readCredentials({}, {});
  const gossip = options.gossip === undefined ? undefined : await joinGroup(options.gossip, { namespace, node, onWarning });
  const servers = gossip === undefined ? named : [gossip.server];
  const disk = cacheDir === undefined ? undefined : await DiskCache.open({ dir: cacheDir, servers, clock, uuid, onWarning });
  // Imported at the first call: importing the client should be cheap.
  const { RegistryConnection } = await import('./connection/registry-connection.ts');
  if (signal?.aborted === true) await gossip?.leave();
  signal?.throwIfAborted();

  const key = { id: uuid(), token: uuid() };
  const loadLink = gossip === undefined ? loadWebSocket : () => Promise.resolve(gossip.openLink);
  const connection = new RegistryConnection({ servers, credentials, client: name, node, key, graceMs, namespace, clock, random, onEvent: tell, loadLink });
  const registrations = new Registrations({ connection, clock, random, timeoutMs, onEvent: tellRegistered });
  const views = new WatchedViews({
    connection,
    clock,
    restore: (view) => restore(disk, view, clock),
    onContent: (view) => keep(disk, view, clock),
  });
  const configs = new WatchedConfigs({ connection, clock, random });
  const configCache = cacheDir === undefined ? undefined : new ConfigCache({ dir: cacheDir, servers, uuid, onWarning });
  connection.add(registrations);
  connection.add(views);
  connection.add(configs);
  const leases = new Leases({ connection, onWarning });
  connection.add(leases);
  const pickReports = new PickReports({ connection, clock, timeoutMs });
  connection.add(pickReports);
  const contenders = new Contenders({ connection, clock, uuid });
  connection.add(contenders);
  connection.start();

  const release = keepAlive();
  const rollcall = new Rollcall({
    connection,
    registrations,
    views,
    source: new WatchCache({ views, leases, pickReports, clock, timeoutMs, namespace }),
    namespace,
    leases,
    contenders,
    configs: { configs, configCache, clock },
    surroundings: { clock, random, ownNamespace: namespace },
    timeoutMs,
    uuid,
    onClose: async () => {
      signal?.removeEventListener('abort', onAbort);
      await disk?.flush();
      await configCache?.flush();
      await gossip?.leave();
      release();
    },
  });
  const onAbort = () => void rollcall.close();
  signal?.addEventListener('abort', onAbort);
  return rollcall;
}

/**
 * Reads the credentials of a client with these options; also for programs that use the registry in another way.
 * @throws RegistryError `invalid_argument` for options that contradict each other
 */
export function readCredentials(
  options: CredentialOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): CredentialSource {
  return credentialSource(options, env, (path) => readFile(path, 'utf8'));
}

/** The link loads the package ws, which takes most of the time of a start: what the disk cache has need not wait for it. */
async function loadWebSocket(): Promise<OpenLink> {
  const { Link } = await import('./connection/link.ts');
  return (options) => new Link(options);
}

async function joinGroup(options: GossipOptions, surroundings: GossipSurroundings): Promise<OpenedGossip> {
  const { openGossip } = await import('./gossip/open-gossip.ts');
  return await openGossip(options, surroundings);
}

/** Warnings for programs without `onEvent` when an instance is not registered, once for each instance and reason. */
function registrationWarnings(): (event: ConnectionEvent) => void {
  const told = new Set<string>();
  return (event) => {
    if (event.kind !== 'not-registered' || told.has(`${event.id}\n${event.code}`)) return;
    told.add(`${event.id}\n${event.code}`);
    warn(`${event.id} of ${event.service} is not registered yet and will be tried again: ${event.reason}`);
  };
}

function serversOfEnvironment(variable: string | undefined): string[] {
  const named = (variable ?? '').split(',').flatMap((server) => (server.trim() === '' ? [] : [server.trim()]));
  return named.length > 0 ? named : ['http://127.0.0.1:8500'];
}

function restore(disk: DiskCache | undefined, { kind, namespace = defaultNamespace, name }: FrameView, clock: Clock): Known | undefined {
  const list = kind === 'service' ? disk?.find(namespace, name) : undefined;
  const route = kind === 'route' ? disk?.findRoute(namespace, name) : undefined;
  const kept = list ?? route;
  if (kept === undefined) return undefined;
  const { revision, registry, savedAt } = kept;
  return { items: list?.instances ?? route?.routes ?? [], revision, registry, ageMs: Math.max(0, clock.now() - savedAt) };
}

function keep(disk: DiskCache | undefined, { view, items, revision, resumable, registry, ageMs }: CachedView, clock: Clock): void {
  if (items === undefined || revision === undefined || registry === undefined) return;
  const { kind, name: service, namespace = defaultNamespace } = view;
  // The rights of the token may change, so the next process must read the whole list.
  const of = { service, namespace, registry, revision: resumable ?? 0, savedAt: clock.now() - ageMs };
  if (kind === 'service') disk?.save({ ...of, instances: items as readonly Instance[] });
  else if (kind === 'route' && (items.length > 0 || disk?.findRoute(namespace, service) !== undefined)) disk?.save({ ...of, routes: items as readonly RouteEntry[] });
}

function requireOption(holds: boolean, message: string): void {
  if (!holds) throw new RegistryError('invalid_argument', message);
}
