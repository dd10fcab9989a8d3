/**
 * A source of instances from DNS: queries the SRV records (RFC 2782) of one name per service at an interval.
 * For Rollcall's own DNS, Consul's, Kubernetes' headless services, and any other.
 *
 *     _orders._tcp.service.consul  SRV  1 10 8080 web-7.node.dc1.consul
 *                                       │ │  └ port and host: the instance
 *                                       │ └ weight
 *                                       └ priority: metadata `priority`, for `routing.priority`
 *
 * A name that does not exist has no instances. When DNS does not answer, the last list stays and is marked as
 * stale.
 */

import { Resolver } from 'node:dns/promises';
import { type Instance, RegistryError } from '@rollcall/protocol';
import { type Clock, systemClock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';
import { latest } from './latest.ts';
import type { SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';

export interface DnsSourceOptions {
  /** Name to query for the SRV records of a service. By default `_SERVICE._tcp.service.consul`. */
  readonly nameOf?: (service: string) => string;
  /**
   * DNS servers, as `address` or `address:port`; by default those of the system. Servers given here are also queried for
   * the addresses of the hosts in the records, which the system need not know.
   */
  readonly servers?: readonly string[];
  /** Interval between queries for each service, in milliseconds, 100 or more. 5,000 by default. */
  readonly intervalMs?: number;
  /** Called with the reason why a service could not be queried, once for each reason. */
  readonly onWarning?: (message: string) => void;
}

const dnsSourceOptions: OptionNames<DnsSourceOptions> = { nameOf: true, servers: true, intervalMs: true, onWarning: true };

/** One SRV record in Node's form. */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Replaced in tests. */
export interface DnsSourceSurroundings {
  readonly clock?: Clock;
  readonly resolveSrv?: (name: string) => Promise<readonly ServiceRecord[]>;
}

interface Asked {
  readonly listeners: Set<(snapshot: SourcedSnapshot) => void>;
  instances: readonly Instance[] | undefined;
  /** Compared to detect a changed list. */
  text: string;
  revision: number;
  stale: boolean;
  confirmedAt: number;
  warned: string;
  stopTimer: () => void;
}

/** No such name, or no SRV records: a valid answer. */
const absent: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

export class DnsSource implements SnapshotSource {
  readonly #nameOf: (service: string) => string;
  readonly #intervalMs: number;
  readonly #onWarning: (message: string) => void;
  readonly #clock: Clock;
  readonly #resolveSrv: (name: string) => Promise<readonly ServiceRecord[]>;
  /** The address of a host; the host name itself when the system resolves it on connect. */
  readonly #addressOf: (host: string) => Promise<string>;
  readonly #services = new Map<string, Asked>();
  #closed = false;

  /** @throws RegistryError `invalid_argument` when the interval is out of its range; TypeError for a wrong server */
  constructor(options: DnsSourceOptions = {}, { clock = systemClock, resolveSrv }: DnsSourceSurroundings = {}) {
    const { nameOf = (service) => `_${service}._tcp.service.consul`, servers, intervalMs = 5_000, onWarning = () => {} } = options;
    checkKnown(options, dnsSourceOptions, 'DnsSource');
    checkRange(intervalMs >= 100 && intervalMs < Infinity, 'intervalMs', intervalMs, '100 or more');
    this.#nameOf = nameOf;
    this.#intervalMs = intervalMs;
    this.#onWarning = onWarning;
    this.#clock = clock;
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    this.#resolveSrv = resolveSrv ?? ((name) => resolver.resolveSrv(name));
    this.#addressOf = servers === undefined ? (host) => Promise.resolve(host) : (host) => firstAddress(resolver, host);
  }

  current(service: string): SourcedSnapshot | undefined {
    const asked = this.#services.get(service);
    return asked === undefined ? undefined : this.#snapshot(service, asked);
  }

  async first(service: string, signal?: AbortSignal): Promise<SourcedSnapshot> {
    const lists = latest<SourcedSnapshot>((values) => this.watch(service, (snapshot) => values.push(snapshot)), signal);
    for await (const snapshot of lists) return snapshot;
    throw new RegistryError('internal', `the watch of ${service} ended by itself`);
  }

  /** Queries the service from now on, until `close`. */
  watch(service: string, listener: (snapshot: SourcedSnapshot) => void): () => void {
    let asked = this.#services.get(service);
    if (asked === undefined) {
      asked = {
        ...{ listeners: new Set(), instances: undefined, text: '', revision: 0 },
        ...{ stale: false, confirmedAt: 0, warned: '', stopTimer: () => {} },
      };
      this.#services.set(service, asked);
      void this.#ask(service, asked);
    }
    // One function may watch twice; each watch ends separately.
    const own = (snapshot: SourcedSnapshot) => listener(snapshot);
    const { listeners } = asked;
    listeners.add(own);
    const known = this.#snapshot(service, asked);
    if (known !== undefined) own(known);
    return () => listeners.delete(own);
  }

  /** Stops all queries; the lists stay. */
  close(): void {
    this.#closed = true;
    for (const { stopTimer } of this.#services.values()) stopTimer();
  }

  async #ask(service: string, asked: Asked): Promise<void> {
    const name = this.#nameOf(service);
    try {
      const records = await this.#resolveSrv(name).catch(noneWhenAbsent);
      this.#take(service, asked, await Promise.all(records.map((record) => this.#instanceOf(service, record))));
      asked.warned = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== asked.warned) this.#onWarning(`${name} could not be asked for: ${message}`);
      asked.warned = message;
      if (asked.instances !== undefined && !asked.stale) {
        asked.stale = true;
        this.#tell(service, asked);
      }
    }
    if (!this.#closed) asked.stopTimer = this.#clock.timer(this.#intervalMs, () => void this.#ask(service, asked));
  }

  #take(service: string, asked: Asked, unordered: readonly Instance[]): void {
    const instances = unordered.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const text = JSON.stringify(instances);
    const news = text !== asked.text || asked.stale;
    asked.confirmedAt = this.#clock.monotonic();
    asked.stale = false;
    if (!news) return;
    if (text !== asked.text) asked.revision += 1;
    asked.text = text;
    asked.instances = instances;
    this.#tell(service, asked);
  }

  /** Weight 0 means a small chance in RFC 2782, but never in a registry: it becomes the smallest weight. */
  async #instanceOf(service: string, { name, port, priority, weight }: ServiceRecord): Promise<Instance> {
    return {
      ...{ id: `${name}:${port}`, service, node: name, address: await this.#addressOf(name), port, tags: [] },
      ...{ meta: { priority: String(priority) }, weight: Math.max(1, weight), status: 'passing' },
    };
  }

  #tell(service: string, asked: Asked): void {
    const snapshot = this.#snapshot(service, asked);
    if (snapshot !== undefined) for (const listener of [...asked.listeners]) listener(snapshot);
  }

  #snapshot(service: string, { instances, revision, stale, confirmedAt }: Asked): SourcedSnapshot | undefined {
    if (instances === undefined) return undefined;
    return { service, revision, instances, stale, ageMs: stale ? this.#clock.monotonic() - confirmedAt : 0, origin: 'dns' };
  }
}

function noneWhenAbsent(error: NodeJS.ErrnoException): never[] {
  if (absent.has(error.code)) return [];
  throw error;
}

async function firstAddress(resolver: Resolver, host: string): Promise<string> {
  const found = await resolver.resolve4(host).catch(noneWhenAbsent);
  const [address] = found.length > 0 ? found : await resolver.resolve6(host).catch(noneWhenAbsent);
  return address ?? host;
}
