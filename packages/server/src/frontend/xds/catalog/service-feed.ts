/**
 * One service as resources, for all streams that ask for it, encoded once for each change. A change that clients of xDS cannot see (the
 * output of a check) reaches no stream.
 */

import { createHash } from 'node:crypto';
import { identityOf, type Route } from '@rollcall/protocol';
import type { Frozen } from '../../../registry/frozen.ts';
import { protectedStatuses, weightOf } from '../../../registry/kind/catalog/effective-status.ts';
import { findNode, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import { serviceRecordView, serviceView } from '../../../registry/kind/catalog/views.ts';
import { findRoute } from '../../../registry/kind/route/find.ts';
import { routeView } from '../../../registry/kind/route/views.ts';
import { placeKey, type FactorOf } from '../resources/assignment.ts';
import { groupEndpoints, type Candidate, type Grouped, type Locality } from '../resources/endpoints.ts';
import { resourceFor } from '../resources/for-service.ts';
import type { Group, Target } from '../resources/names.ts';
import { ordinalsMax, type Reader } from '../resources/reader.ts';
import type { Resource } from '../resources/resource.ts';
import type { Ready } from '../resources/routes.ts';
import { rulesOf } from '../resources/route-rules.ts';
import { countOf, subsetFor } from '../resources/subset.ts';
import type { ResourceType } from '../wire/any.ts';
import { zonePartsOf, zoneWeightsView } from '../load/zone-weights.ts';
import { Feed, type FeedOptions } from './feed.ts';

interface Content {
  readonly route: Route;
  /** The instances of each group; a service without a canary has one group. */
  readonly groups: Readonly<Partial<Record<Group, Grouped>>>;
  readonly ready: Ready;
  /** The parts of their weights that zones keep. */
  readonly factorOf: FactorOf;
  /** Equal for two contents that clients cannot tell apart. */
  readonly digest: string;
}

/** Resources of one service that are kept: clients choose places, so there may be any number. */
const resourcesMax = 2 * ordinalsMax;

export class ServiceFeed extends Feed {
  readonly namespace: string;
  readonly service: string;
  readonly #resources = new Map<string, Resource>();
  #content: Content | undefined;
  #compared = 0;

  constructor(options: FeedOptions, namespace: string, service: string) {
    super(options, [serviceView(namespace, service), serviceRecordView(namespace, service), routeView(namespace, service), zoneWeightsView(namespace, service)]);
    this.namespace = namespace;
    this.service = service;
  }

  /** Instances that clients do not get, by the reason. */
  get leftOut(): Grouped['leftOut'] {
    return this.#content?.groups.all?.leftOut ?? new Map();
  }

  /** Endpoints that were put in order for subsets, since the start: `find` takes longer by some 300 ns for each. */
  get compared(): number {
    return this.#compared;
  }

  /** Whether it was read. */
  get isRead(): boolean {
    return this.#content !== undefined;
  }

  /** Of all instances; none before it was read. */
  get localities(): readonly Locality[] {
    return this.#content?.groups.all?.localities ?? [];
  }

  /** Whether a name that is about this service has endpoints, of any health. */
  hasEndpoints(target: Target): boolean {
    return this.#content !== undefined && localitiesOf(this.#content, target).length > 0;
  }

  /**
   * The resource of a name that is about this service; undefined while it is not known: the service was not read, or the reading in which it
   * had no instance is not the newest one.
   *
   * Every service has a listener, routes and a cluster for a client that asks for them by name, instances or not: then its calls fail at once,
   * and go on when there is an instance. A listener that goes and comes back is not enough: gRPC for Node takes one that is equal for the
   * one that it has already, and never uses it (`@grpc/grpc-js-xds` 1.14.1, `xds-client.ts`, `parseResource`).
   */
  find(type: ResourceType, name: string, target: Target, reader: Reader): Resource | undefined {
    const content = this.#content;
    if (content === undefined) return undefined;
    const localities = localitiesOf(content, target);
    if (localities.length === 0 && this.awaitsReading()) return undefined;
    const size = content.route.subset?.size ?? Infinity;
    const isCut = type === 'endpoints' && countOf(localities) > size;
    const key = `${type}\0${name}\0${type === 'endpoints' ? placeKey(reader.place) : ''}\0${isCut ? reader.ordinal : ''}`;
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    if (isCut) this.#compared += countOf(localities);
    const used = isCut ? subsetFor(localities, size, reader) : localities;
    const made = resourceFor(type, name, { localities: used, route: content.route, ready: content.ready, factorOf: content.factorOf, isShared: !isCut }, reader.place);
    if (this.#resources.size >= resourcesMax) this.#resources.clear();
    this.#resources.set(key, made);
    return made;
  }

  protected *take(frozen: Frozen): Generator<number | undefined, boolean, undefined> {
    const content = yield* this.#reading(frozen);
    if (this.#content?.digest === content.digest) return false;
    this.#content = content;
    this.#resources.clear();
    return true;
  }

  *#reading(frozen: Frozen): Generator<number | undefined, Content, undefined> {
    const { namespace, service } = this;
    const route = findRoute(frozen, namespace, service)?.route ?? {};
    const rules = rulesOf(route);
    const statusOf = yield* protectedStatuses(frozen, namespace, service);
    const candidates: Candidate[] = [];
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      const status = statusOf(row);
      const address = row.address || (row.node === '' ? '' : (findNode(frozen, row.node)?.address ?? ''));
      const { node, id, port, region = '', zone = '', tags, meta } = row;
      const factor = rules.factorOf(row);
      const isCanary = rules.isCanary?.(row) ?? false;
      const candidate = { key: identityOf({ node, id, address, port }), isCanary, address, port, status, weight: weightOf(row, status) * (factor || 1), isLastResort: factor === 0, region, zone, tags, meta };
      if (rules.isUsed(row)) candidates.push(candidate);
      yield;
    }
    const groups: Partial<Record<Group, Grouped>> = { all: yield* groupEndpoints(candidates) };
    if (rules.isCanary !== undefined) {
      groups.canary = yield* groupEndpoints(candidates.filter(({ isCanary }) => isCanary));
      groups.stable = yield* groupEndpoints(candidates.filter(({ isCanary }) => !isCanary));
    }
    const ready = { all: readyIn(groups.all), canary: readyIn(groups.canary), stable: readyIn(groups.stable) };
    const { parts } = zonePartsOf(frozen, namespace, service);
    const factors = new Map(parts.map(({ region, zone, percent }) => [`${region}\0${zone}`, percent / 100]));
    const factorOf: FactorOf = ({ region, zone }) => factors.get(`${region}\0${zone}`) ?? 1;
    return { route, groups, ready, factorOf, digest: yield* digestOf({ route, parts }, groups) };
  }
}

/**
 * Of the group that a name is about. A group that has no instance with traffic, or is none any more, has all instances: its endpoints reach
 * a client before the route that does not name it any more.
 */
function localitiesOf({ groups, ready }: Content, { group }: Target): readonly Locality[] {
  return (ready[group] > 0 ? groups[group] : groups.all)?.localities ?? [];
}

function readyIn(group: Grouped | undefined): number {
  return group?.localities.reduce((sum, { ready }) => sum + ready, 0) ?? 0;
}

/** Endpoints that are hashed in the time of a step. */
const hashedPerStep = 8;

/** @param rules what is JSON */
function* digestOf(rules: object, groups: Content['groups']): Generator<undefined, string, undefined> {
  const hash = createHash('sha1').update(JSON.stringify(rules));
  for (const [name, { localities }] of Object.entries(groups)) {
    hash.update(`\0${name}`);
    for (const { region, zone, weight, endpoints } of localities) {
      hash.update(`\0${region}\0${zone}\0${weight}\0`);
      for (const [at, { key, bytes }] of endpoints.entries()) {
        hash.update(`${key}\0`).update(bytes);
        if (at % hashedPerStep === 0) yield;
      }
    }
  }
  return hash.digest('base64');
}
