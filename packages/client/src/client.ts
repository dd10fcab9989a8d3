/**
 * The client object that a program uses: one per process. It combines registration, services and
 * configuration keys over one connection to the registry.
 */

import { RegistryError, type ServiceEntry } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { ExplainOptions, Explanation } from './explain/explanation.ts';
import { type Fetch, platformFetch, refused } from './fetch.ts';
import { checkKnown, type OptionNames } from './option-check.ts';
import { follow } from './source/follow.ts';
import { serviceDispatcher } from './integration/dispatcher.ts';
import { ServiceAgent, type ServiceAgentOptions } from './integration/http-agent.ts';
import { type NamedService, refusalOf, serviceOfHost } from './integration/service-host.ts';
import type { ConfigOptions } from './config/config-options.ts';
import { Configs, type ConfigsOptions, type FlagsOptions } from './config/configs.ts';
import type { Configuration } from './config/configuration.ts';
import type { Flags } from './config/flags.ts';
import { Kv, snapshotItems } from './kv.ts';
import {
  announce,
  register,
  type RegisterOptions,
  type RegisterSurroundings,
  type RegisterWait,
  type Registration,
  type WaitOptions,
  waitOptions,
} from './registration.ts';
import { ServiceClient, type ServiceSurroundings } from './service-client.ts';
import { serviceOptions, type ServiceOptions } from './service-options.ts';
import type { Leases } from './connection/leases.ts';
import { Election, type ElectionOptions } from './election/election.ts';
import type { Contenders } from './lock/contenders.ts';
import type { HeldLock } from './lock/held-lock.ts';
import { acquire, ReadWriteLock, Semaphore, type LockOptions } from './lock/locks.ts';
import type { WatchedViews } from './connection/watched-views.ts';
import { checkNamespace, viewIn } from './connection/view-name.ts';
import type { SnapshotSource } from './source/snapshot-source.ts';
import type { WatchCache } from './source/watch-cache.ts';
import type { TryOptions } from './try-options.ts';
import { Txn } from './txn.ts';

export interface RollcallParts extends RegisterSurroundings {
  readonly views: WatchedViews;
  readonly leases: Leases;
  readonly contenders: Contenders;
  readonly configs: Pick<ConfigsOptions, 'configs' | 'configCache' | 'clock'>;
  readonly source: WatchCache;
  readonly namespace: string;
  readonly surroundings: ServiceSurroundings;
  /** Called once, when the client is closed, before the connection ends. */
  readonly onClose: () => Promise<void>;
}

export interface NamespacedServiceOptions extends ServiceOptions {
  /** Namespace of the service; by default the client's own. */
  readonly namespace?: string;
}

/** Options of lists of services. */
export interface ServicesOptions extends WaitOptions {
  /** By default the client's own. */
  readonly namespace?: string;
}

const servicesOptions: OptionNames<ServicesOptions> = { ...waitOptions, namespace: true };

const namespacedServiceOptions: OptionNames<NamespacedServiceOptions> = { ...serviceOptions, namespace: true };

export class Rollcall {
  /** Keys and values of the registry. */
  readonly kv: Kv;
  readonly #parts: RollcallParts;
  readonly #services = new Map<string, ServiceClient>();
  readonly #configs: Configs;
  #closing: Promise<void> | undefined;

  /** `connect` calls this. */
  constructor(parts: RollcallParts) {
    this.#parts = parts;
    this.kv = new Kv(parts);
    const { configs, timeoutMs, namespace } = parts;
    this.#configs = new Configs({
      ...{ ...configs, timeoutMs, namespace },
      instanceOf: (service) => this.#instanceOf(service),
    });
  }

  /** Lists of instances of this client, for code with its own transport (`@rollcall/client/grpc`). */
  get source(): SnapshotSource {
    return this.#parts.source;
  }

  /** Namespace of everything that this client registers, finds and keeps, unless a call names another one. */
  get namespace(): string {
    return this.#parts.namespace;
  }

  /** Base URL of the server that the client is connected to; undefined while there is none. */
  get server(): string | undefined {
    return this.#parts.connection.server;
  }

  /**
   * Registers an instance for the life of this process, and resolves when the registry
   * has it. Waits for an unreachable registry, without limit unless `wait` has one; `onEvent` reports it. If
   * the registry is later unreachable for longer than the grace, the client registers the instance again as soon as it
   * is back.
   * @param wait after its end the promise rejects, and the instance is not registered later
   * @throws RegistryError `invalid_argument` for an invalid registration,
   *   `already_exists` for an id or a check that is in use, `resource_exhausted`, `permission_denied`,
   *   `unauthenticated`, `unavailable` when `timeoutMs` is over
   * @throws the signal's reason when it aborts
   */
  register(options: RegisterOptions, wait: RegisterWait = {}): Promise<Registration> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    return register(this.#parts, options, wait);
  }

  /**
   * Registers an instance without waiting for it. If the registry is unreachable or refuses the token, the client
   * tries again until the instance is registered or closed. `onEvent` reports `registered` and
   * `not-registered`; `registered()` of the result waits.
   * @throws RegistryError `invalid_argument` for an invalid registration, `already_exists` for an id that this client has
   *   registered already, `failed_precondition` when closed
   */
  announce(options: RegisterOptions): Registration {
    if (this.#closing !== undefined) throw closedError();
    return announce(this.#parts, options);
  }

  /**
   * The service of that name, which need not exist yet. The same name and namespace return the same object, so that
   * its balancer learns from every request.
   * @param options only with the first call for that name, except `namespace`, which is by default the client's own
   * @throws RegistryError `failed_precondition` for options in a later call, or when closed; `invalid_argument` for an
   *   invalid namespace
   */
  service(name: string, given: NamespacedServiceOptions = {}): ServiceClient {
    this.#assertOpen();
    checkKnown(given, namespacedServiceOptions, 'service');
    const { namespace = this.namespace, ...options } = given;
    checkNamespace(namespace);
    const key = `${namespace} ${name}`;
    const known = this.#services.get(key);
    if (known !== undefined && Object.keys(options).length > 0) {
      throw new RegistryError('failed_precondition', `service ${name} is in use already; give its options with the first call`);
    }
    if (known !== undefined) return known;
    const { source, surroundings } = this.#parts;
    const service = new ServiceClient(source.inNamespace(namespace), name, options, surroundings);
    this.#services.set(key, service);
    return service;
  }

  /**
   * A configuration as this client gets it, followed until it is closed. It is asked for at once; `whenReady` waits for the content.
   * The same name, namespace and cluster return the same object.
   * @param name `APP/NAME`
   * @param options only with the first call for that configuration, except `namespace` and `cluster`
   * @throws RegistryError `failed_precondition` for options in a later call, or when closed; `invalid_argument` for an invalid name or
   *   namespace
   */
  config<T = Record<string, unknown>>(name: string, options: ConfigOptions<T> = {}): Configuration<T> {
    if (this.#closing !== undefined) throw closedError();
    return this.#configs.open(name, options);
  }

  /**
   * Feature flags of a configuration, in flagd's format, evaluated in this process.
   * @param name `APP/NAME`
   * @throws RegistryError as `config`
   */
  flags(name: string, options: FlagsOptions = {}): Flags {
    if (this.#closing !== undefined) throw closedError();
    return this.#configs.openFlags(name, options);
  }

  /**
   * Explains why each instance of a service is or is not chosen now; see `ServiceClient.explain`. For a service that
   * this client has not used yet, it explains the first request, and does not count as a use.
   * @throws RegistryError `failed_precondition` when closed; `invalid_argument` as `service`
   */
  explain(name: string, { namespace = this.namespace, ...options }: ExplainOptions & { readonly namespace?: string } = {}): Explanation {
    if (this.#closing !== undefined) throw closedError();
    checkNamespace(namespace);
    const known = this.#services.get(`${namespace} ${name}`);
    if (known !== undefined) return known.explain(options);
    const passing = new ServiceClient(this.#parts.source.inNamespace(namespace), name, {}, this.#parts.surroundings);
    try {
      return passing.explain(options);
    } finally {
      void passing.close();
    }
  }

  /**
   * The platform's `fetch`, with two special forms of URL: `http://NAME.rollcall/…` is the service NAME, and
   * `http://NAME.NAMESPACE.ns.rollcall/…` is that of another namespace. Other hosts work as usual. It needs no
   * `this`, so it can be passed wherever a `fetch` is expected. For services, see `ServiceClient.fetch`.
   * @throws TypeError, as `fetch` does, with a RegistryError as its `cause`; the signal's reason when it aborts
   */
  readonly fetch: Fetch = (input, init) => {
    const given = input instanceof Request ? input.url : String(input);
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const named = url && serviceOfHost(url.hostname);
    if (url === undefined || named === undefined) return platformFetch(input, init);
    try {
      const refusal = refusalOf(url);
      if (refusal !== undefined) throw new RegistryError('invalid_argument', refusal);
      return this.#named(named).fetch(input instanceof Request ? input : url, init);
    } catch (error) {
      return refused(error as Error);
    }
  };

  /**
   * A dispatcher for undici, in which `http://NAME.rollcall/…` is the service NAME and other hosts work as
   * usual: `request('http://orders.rollcall/7', { dispatcher })`. Close it if you used it for other hosts. It
   * is cheap enough to create for a single request.
   * @param options of every request through it, or a function that returns those of a request
   */
  dispatcher(options?: TryOptions | ((request: Dispatcher.DispatchOptions) => TryOptions)): Dispatcher {
    return serviceDispatcher((name, namespace) => this.#named({ name, namespace }), options);
  }

  /**
   * An agent for `node:http` and libraries based on it (axios, got), in which `http://NAME.rollcall/…` is the service
   * NAME. Requests are balanced but not retried.
   * @param options of `http.Agent`, with connections kept alive by default, and the key of each request
   */
  httpAgent(options?: ServiceAgentOptions): ServiceAgent {
    return new ServiceAgent((name, namespace) => this.#named({ name, namespace }), options);
  }

  /**
   * All services that have instances, in order, with their tags.
   * @throws RegistryError `unavailable`, `deadline_exceeded`; the signal's reason when it aborts
   */
  async services(options: ServicesOptions = {}): Promise<ServiceEntry[]> {
    const namespace = this.#listed(options, 'services');
    const { connection, timeoutMs } = this.#parts;
    const ask = { type: 'get', view: viewIn(namespace, 'services', '') } as const;
    const items = snapshotItems(await connection.ask(ask, { repeatable: true, timeoutMs, signal: options.signal }));
    return [...(items as readonly ServiceEntry[])].sort(byName);
  }

  /**
   * All services now and after every change; a slow reader gets only the newest list. Ends when the
   * client closes.
   * @throws the signal's reason when it aborts
   */
  watchServices(options: ServicesOptions = {}): AsyncIterableIterator<readonly ServiceEntry[], undefined> {
    const view = viewIn(this.#listed(options, 'watchServices'), 'services', '');
    return follow(this.#parts.views, view, ({ items }) => [...(items as readonly ServiceEntry[])].sort(byName), options.signal);
  }

  /**
   * An election: of all processes that campaign in it, one leads at a time. Cheap; the options hold for this object.
   * @throws RegistryError `invalid_argument`; `failed_precondition` when closed
   */
  election(name: string, options: ElectionOptions = {}): Election {
    this.#assertOpen();
    return new Election({ ...this.#parts, clock: this.#parts.configs.clock }, name, options);
  }

  /**
   * Waits for a lock of this name, and resolves when this client holds it. `await using` releases it.
   * @throws RegistryError as `acquire` in `lock/locks.ts`: `deadline_exceeded` when it is not free within `wait`; the signal's reason
   */
  async lock(name: string, options: LockOptions = {}): Promise<HeldLock> {
    this.#assertOpen();
    return await acquire(this.#parts.contenders, { name, limit: 1, shared: false, purpose: 'lock' }, options, 'lock');
  }

  /** A semaphore: up to `limit` holders at once; all clients must give the same. @throws RegistryError `invalid_argument` */
  semaphore(name: string, limit: number, options: LockOptions = {}): Semaphore {
    this.#assertOpen();
    return new Semaphore(this.#parts.contenders, name, limit, options);
  }

  /** A lock for many readers or one writer. @throws RegistryError `invalid_argument` */
  readWriteLock(name: string, options: LockOptions = {}): ReadWriteLock {
    this.#assertOpen();
    return new ReadWriteLock(this.#parts.contenders, name, options);
  }

  /** A transaction over keys, which a lock or a leadership can guard. */
  txn(): Txn {
    this.#assertOpen();
    return new Txn(this.#parts);
  }

  /**
   * Closes the client: its instances drain and are removed at once, watches and requests end. Resolves within a
   * few seconds, even if the registry is unreachable. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The namespace of a list of services. */
  #listed(options: ServicesOptions, call: string): string {
    checkKnown(options, servicesOptions, call);
    const { namespace = this.namespace } = options;
    checkNamespace(namespace);
    return namespace;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** This client's instance in a service, as rollouts name it; undefined before it is registered. */
  #instanceOf(service: string): string | undefined {
    const { connection, configs, registrations } = this.#parts;
    const id = configs.configs.registeredIn(service);
    const isWanted = id !== undefined && registrations.find(id)?.wanted !== undefined;
    return isWanted && connection.welcome !== undefined ? `${connection.welcome.node}/${id}` : undefined;
  }

  #named({ name, namespace = this.namespace }: NamedService): ServiceClient {
    return this.service(name, { namespace });
  }

  async #close(): Promise<void> {
    const { connection, registrations, leases, contenders, onClose } = this.#parts;
    await contenders.close();
    await Promise.all(Array.from(this.#services.values(), (service) => service.close()));
    await connection.close(registrations.size > 0 || leases.size > 0);
    await onClose();
  }
}

function closedError(): RegistryError {
  return new RegistryError('failed_precondition', 'the client is closed');
}

function byName(a: ServiceEntry, b: ServiceEntry): number {
  return a.service < b.service ? -1 : a.service > b.service ? 1 : 0;
}
