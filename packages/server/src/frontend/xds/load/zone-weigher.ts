/**
 * Lets the weights of zones follow the load that clients report to all nodes.
 *
 *   reports of this node ─┐
 *   reports of others ────┴─► sums ─► one step for each service that this node owns ─► a row, which all nodes read
 *
 * Each service has one owner among the nodes that hear reports, so steps are taken once. Two nodes that do not know of each other may both take
 * one; the row of the first counts then. It takes the steps that `zone-factors.ts` computes, and encodes nothing.
 */

import type { ZoneLoads } from '../../../clients/zone-loads.ts';
import type { Context } from '../../../net/frontend.ts';
import { inTurns } from '../../../in-turns.ts';
import { instancesOfService } from '../../../registry/kind/catalog/find.ts';
import { Rendezvous } from '../../../registry/kind/member/rendezvous.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Member } from '../catalog/feed.ts';
import type { ServiceFeed } from '../catalog/service-feed.ts';
import { ZoneFactors, type ZonePart } from './zone-factors.ts';
import { storeZoneParts, weighedServices, zonePartsOf } from './zone-weights.ts';

export interface ZoneWeigherOptions {
  readonly context: Pick<Context, 'registry' | 'log'>;
  readonly catalog: Catalog;
  readonly loads: ZoneLoads;
}

/** A service that this node weighs. */
interface Weighed {
  readonly namespace: string;
  readonly service: string;
  readonly feed: ServiceFeed;
  factors: ZoneFactors;
  /** Of the row that the factors were last in. */
  revision: number;
}

/** Services in one turn of the event loop, some milliseconds. */
const weighedPerTurn = 200;

/** Rows that one step writes at most; further services take theirs with the next step. */
const writesMax = 200;

export class ZoneWeigher implements Member {
  readonly #options: ZoneWeigherOptions;
  readonly #weighed = new Map<string, Weighed>();
  #closed = false;

  constructor(options: ZoneWeigherOptions) {
    this.#options = options;
  }

  /** It reads the feeds with each step. */
  changed(): void {}

  /** Takes a step for each service that this node owns. */
  async step(): Promise<void> {
    const { context, loads } = this.#options;
    const reported = await loads.all();
    // A node that does not follow its store would go by old instances, and could write nothing.
    if (this.#closed || context.registry.staleMs > 0) return;
    const sums = new Map<string, Map<string, number>>();
    for (const { namespace, service, region, zone, inProgress } of reported.loads) {
      const key = `${namespace}\0${service}`;
      let zones = sums.get(key);
      if (zones === undefined) sums.set(key, (zones = new Map<string, number>()));
      const at = `${region}\0${zone}`;
      zones.set(at, (zones.get(at) ?? 0) + inProgress);
    }
    const writes: Promise<void>[] = [];
    await inTurns(this.#steps(sums, new Rendezvous(reported.hearers), writes), weighedPerTurn);
    await Promise.all(writes);
  }

  close(): void {
    this.#closed = true;
    for (const key of [...this.#weighed.keys()]) this.#forget(key);
  }

  *#steps(sums: ReadonlyMap<string, ReadonlyMap<string, number>>, owners: Rendezvous, writes: Promise<void>[]): Generator<undefined, void, undefined> {
    const { nodeId } = this.#options.loads;
    // A client may report on names of its own choice: only services of several instances are read.
    const wanted = new Set([...sums.keys()].filter((key) => this.#mayHaveZones(key)));
    for (const [namespace, service] of this.#stored()) wanted.add(`${namespace}\0${service}`);
    for (const key of this.#weighed.keys()) if (!wanted.has(key)) this.#forget(key);
    for (const key of wanted) {
      yield;
      if (this.#closed) return;
      if (owners.ownerOf(key) !== nodeId) this.#forget(key);
      else if (writes.length < writesMax) this.#stepOf(this.#join(key), sums.get(key) ?? none, writes);
    }
  }

  /** All services that have a row. */
  *#stored(): Generator<readonly [namespace: string, service: string], void, undefined> {
    const { state } = this.#options.context.registry;
    for (const namespace of namespaceNames(state)) for (const service of weighedServices(state, namespace)) yield [namespace, service];
  }

  #mayHaveZones(key: string): boolean {
    const instances = instancesOfService(this.#options.context.registry.state, ...namesIn(key))[Symbol.iterator]();
    return instances.next().done !== true && instances.next().done !== true;
  }

  #join(key: string): Weighed {
    let weighed = this.#weighed.get(key);
    if (weighed !== undefined) return weighed;
    const [namespace, service] = namesIn(key);
    const { parts, revision } = zonePartsOf(this.#options.context.registry.state, namespace, service);
    weighed = { namespace, service, revision, feed: this.#options.catalog.service(namespace, service, this), factors: new ZoneFactors(parts) };
    this.#weighed.set(key, weighed);
    return weighed;
  }

  #stepOf(weighed: Weighed, zones: ReadonlyMap<string, number>, writes: Promise<void>[]): void {
    const { namespace, service, feed } = weighed;
    // It is read soon; the next step finds it.
    if (!feed.isRead) return;
    const stored = zonePartsOf(this.#options.context.registry.state, namespace, service);
    if (stored.revision !== weighed.revision) {
      // Another node was its owner meanwhile.
      weighed.factors = new ZoneFactors(stored.parts);
      weighed.revision = stored.revision;
    }
    const states = feed.localities.map(({ region, zone, weight, ready }) => ({ region, zone, weight, ready, inProgress: zones.get(`${region}\0${zone}`) ?? 0 }));
    weighed.factors.step(states);
    if (!isSame(weighed.factors.parts, stored.parts)) writes.push(this.#write(weighed));
  }

  async #write(weighed: Weighed): Promise<void> {
    const { context } = this.#options;
    const { namespace, service, factors, revision } = weighed;
    try {
      const isWritten = await context.registry.submit(storeZoneParts(namespace, service, factors.parts, revision));
      weighed.revision = isWritten ? zonePartsOf(context.registry.state, namespace, service).revision : lost;
    } catch (err) {
      // The next step goes by what the row says.
      context.log.debug({ err, namespace, service }, 'the weights of the zones of a service could not be written');
    }
  }

  #forget(key: string): void {
    const weighed = this.#weighed.get(key);
    if (weighed === undefined) return;
    this.#weighed.delete(key);
    weighed.feed.leave(this);
  }
}

function namesIn(key: string): readonly [namespace: string, service: string] {
  const end = key.indexOf('\0');
  return [key.slice(0, end), key.slice(end + 1)];
}

function isSame(a: readonly ZonePart[], b: readonly ZonePart[]): boolean {
  return a.length === b.length && a.every(({ region, zone, percent }, at) => b[at]?.region === region && b[at].zone === zone && b[at].percent === percent);
}

/** The revision of no row: the next step goes by the row of the node that was first. */
const lost = -1;

const none: ReadonlyMap<string, number> = new Map();
