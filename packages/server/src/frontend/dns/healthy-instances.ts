/**
 * The healthy instances of a service, or of a prepared query, with the addresses and ports that DNS answers are made of. The list is
 * built in one pass over the instances and then answers many questions, by tag and by type. Pure; `directory.ts` decides
 * how long a list is kept.
 */

import { defaultNamespace, getsTraffic } from '@rollcall/protocol';
import { nearestFirst } from '../../net/nearest-first.ts';
import { Pace, type Work } from '../../net/turns.ts';
import { protectedStatuses } from '../../registry/kind/catalog/effective-status.ts';
import { selectorOf } from '../../registry/kind/query/execution.ts';
import type { PreparedService } from '../../registry/kind/query/rows.ts';
import { findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import type { Reader } from '../../registry/reader.ts';
import { addressDigits } from './address.ts';
import { hostName, lowerCase } from './host-name.ts';
import type { Build } from './lazy-index.ts';

interface Named {
  readonly namespace: string;
  /** The names of the service: they differ in case only. */
  readonly names: readonly string[];
  readonly domain: string;
  readonly datacenter: string;
  /** Whether instances on the node may be told; the others are left out. */
  readonly readsNode: (node: string) => boolean;
}

export interface ServiceOptions extends Named {
  /** Whether to leave out instances whose status is warning. */
  readonly onlyPassing: boolean;
}

export interface PreparedQueryOptions extends Named {
  readonly wanted: PreparedService;
  /** Name of the node that instances are sorted by distance from; empty for no order. */
  readonly near: string;
}

export interface HealthyInstance {
  readonly instance: InstanceRow;
  readonly status: 'passing' | 'warning';
  /** The instance's address, or else its node's, as digits (`address.ts`); undefined when it is a host name. */
  readonly digits: string | undefined;
  /** The address when it is a host name. */
  readonly host: string | undefined;
  /** Whether the address is the node's. */
  readonly atNode: boolean;
}

/** What answers about some instances contain. */
export interface Targets {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** The host name of the first instance that has one as its address. */
  readonly alias: string | undefined;
  /** One instance for each node, address and port. */
  readonly distinct: readonly HealthyInstance[];
}

/** Tags whose targets are kept: an instance may have any number of tags. */
const targetsMax = 64;

export class HealthyInstances {
  readonly #instances: readonly HealthyInstance[];
  /** Whether the nearest come first. Otherwise any order is as good. */
  readonly sorted: boolean;
  readonly #targets = new Map<string, Targets>();
  #byTag: ReadonlyMap<string, readonly HealthyInstance[]> | undefined;
  /** For a list up to this size, the first question groups the instances at once. */
  static readonly #smallMax = 4_096;

  constructor(instances: readonly HealthyInstance[], sorted = false) {
    this.#instances = instances;
    this.sorted = sorted;
  }

  get size(): number {
    return this.#instances.length;
  }

  /** Groups the instances of a large list by tag in steps, so that the first question need not do it in one turn. */
  *preparing(): Generator<void, void, undefined> {
    if (this.#instances.length <= HealthyInstances.#smallMax) return;
    this.#byTag = yield* byTag(this.#instances);
    this.#targets.set('', yield* targetsOf(this.#instances));
  }

  /** @param tag in lower case; empty for all instances. @returns undefined when no instance has the tag */
  targets(tag: string): Targets | undefined {
    const known = this.#targets.get(tag);
    if (known !== undefined) return known;
    const instances = tag === '' ? this.#instances : (this.#byTag ??= atOnce(byTag(this.#instances))).get(tag);
    if (instances === undefined || instances.length === 0) return undefined;
    const targets = atOnce(targetsOf(instances));
    if (this.#targets.size >= targetsMax) this.#targets.clear();
    this.#targets.set(tag, targets);
    return targets;
  }
}

/** O(instances + their checks + their nodes' own checks). The registry may change between the steps. */
export function* serviceInstances(reader: Reader, options: ServiceOptions): Build<HealthyInstances> {
  const instances: HealthyInstance[] = [];
  const soFar = () => new HealthyInstances([...instances]);
  for (const name of options.names) {
    const statusOf = yield* protectedStatuses(reader, options.namespace, name);
    const ownNames = ownNamesOf(name, options);
    for (const instance of instancesOfService(reader, options.namespace, name)) {
      yield instances.length > 0 ? soFar : undefined;
      if (!options.readsNode(instance.node)) continue;
      const status = statusOf(instance);
      if (!getsTraffic(status) || (options.onlyPassing && status !== 'passing')) continue;
      instances.push(healthyInstance(reader, instance, status, ownNames));
    }
  }
  const healthy = new HealthyInstances(instances);
  for (const _ of healthy.preparing()) yield soFar;
  return healthy;
}

/**
 * The instances that a prepared query selects. If it sorts them by distance, an incomplete list is sorted as well. The
 * registry may change between the steps.
 */
export function* preparedQueryInstances(reader: Reader, options: PreparedQueryOptions): Build<HealthyInstances> {
  const { near, wanted } = options;
  const instances: HealthyInstance[] = [];
  function* sorting(): Generator<void, HealthyInstances, undefined> {
    const pace = new Pace();
    const sorted = near === '' ? undefined : yield* inSteps(nearestFirst(reader, near, instances, ({ instance }) => instance.node, pace), pace);
    return new HealthyInstances(sorted ?? [...instances], sorted !== undefined);
  }
  const made = () => atOnce(sorting());
  for (const name of options.names) {
    const ownNames = ownNamesOf(name, options);
    const selected = selectorOf(reader, { ...wanted, name });
    for (const instance of instancesOfService(reader, options.namespace, name)) {
      yield instances.length > 0 ? made : undefined;
      if (!options.readsNode(instance.node)) continue;
      const found = selected(instance);
      if (found !== undefined) instances.push(healthyInstance(reader, instance, found.status, ownNames));
    }
  }
  const sort = sorting();
  let sorted = sort.next();
  for (; sorted.done !== true; sorted = sort.next()) yield made;
  for (const _ of sorted.value.preparing()) yield made;
  return sorted.value;
}

/** Work that counts in units, as steps of a build: a unit and a step are about a microsecond each. */
function* inSteps<T>(work: Work<T>, pace: Pace): Generator<void, T, undefined> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    for (let used = pace.used; used > 0; used--) yield;
    pace.renew();
  }
}

/** The DNS names of the service itself. An instance with one of them as its address would be an alias of itself. */
function ownNamesOf(service: string, { namespace, domain, datacenter }: Named): readonly string[] {
  const here = [domain, `${datacenter}.dc.${domain}`];
  const names = here.map((ending) => `${service}.service.${namespace}.ns.${ending}`);
  if (namespace === defaultNamespace) {
    for (const ending of [...here, `${datacenter}.${domain}`]) names.push(`${service}.service.${ending}`);
  }
  return names.map(lowerCase);
}

function healthyInstance(reader: Reader, instance: InstanceRow, status: HealthyInstance['status'], ownNames: readonly string[]): HealthyInstance {
  const own = addressDigits(instance.address);
  const atNode = own === undefined && isOneOf(ownNames, instance.address);
  const address = atNode ? (findNode(reader, instance.node)?.address ?? '') : instance.address;
  const digits = own ?? (atNode ? addressDigits(address) : undefined);
  return { instance, status, atNode, digits, host: digits === undefined ? hostName(address) : undefined };
}

/** True as well for an empty address. */
function isOneOf(names: readonly string[], address: string): boolean {
  return address === '' || names.includes(lowerCase(address).replace(/\.$/, ''));
}

function* byTag(instances: readonly HealthyInstance[]): Generator<void, Map<string, HealthyInstance[]>, undefined> {
  const found = new Map<string, HealthyInstance[]>();
  for (const member of instances) {
    for (const tag of new Set(member.instance.tags.map(lowerCase))) {
      const same = found.get(tag);
      if (same === undefined) found.set(tag, [member]);
      else same.push(member);
    }
    yield;
  }
  return found;
}

function* targetsOf(instances: readonly HealthyInstance[]): Generator<void, Targets, undefined> {
  const addresses = new Set<string>();
  const distinct = new Map<string, HealthyInstance>();
  let alias: string | undefined;
  for (const member of instances) {
    const { instance, digits, host } = member;
    if (digits !== undefined) addresses.add(digits);
    else if (host === undefined) continue;
    else alias ??= host;
    const place = `${instance.node}\0${instance.address}\0${instance.port}`;
    if (!distinct.has(place)) distinct.set(place, member);
    yield;
  }
  const all = [...addresses];
  return {
    ipv4: all.filter((digits) => digits.length === 8),
    ipv6: all.filter((digits) => digits.length === 32),
    alias,
    distinct: [...distinct.values()],
  };
}

function atOnce<T>(steps: Generator<unknown, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
