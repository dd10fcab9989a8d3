/**
 * The live population of a rollout: the instances of the app's service in the catalog, as the clients that they are. Pure functions
 * over rows, so every node counts the same instances.
 */

import { hash32, type InstanceStatus } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { Reader } from '../../reader.ts';
import { statuses } from '../catalog/effective-status.ts';
import { findNode, instancesOfService } from '../catalog/find.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import { failuresOf, type StagedRollout } from './find.ts';
import { isFor, names, saltOf, type ConfigReader } from './given.ts';
import type { Alarm, ConfigRow } from './rows.ts';

/** An instance as a client of configurations. What takes a look at other rows is found when it is asked for. */
export class Member implements ConfigReader {
  readonly app: string;
  readonly #row: InstanceRow;
  readonly #reader: Reader;
  readonly #statusOf: ReturnType<typeof statuses>;
  #instance: string | undefined;
  #status: InstanceStatus | undefined;

  constructor(row: InstanceRow, reader: Reader, statusOf: ReturnType<typeof statuses>) {
    this.app = row.service;
    this.#row = row;
    this.#reader = reader;
    this.#statusOf = statusOf;
  }

  get instance(): string {
    return (this.#instance ??= instanceName(this.#row));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#row.meta;
  }

  get address(): string {
    const { address, node } = this.#row;
    return address === '' ? (findNode(this.#reader, node)?.address ?? '') : address;
  }

  get status(): InstanceStatus {
    return (this.#status ??= this.#statusOf(this.#row));
  }

  /** It cannot serve now. */
  get isUnhealthy(): boolean {
    return this.status === 'critical';
  }

  /** It may get a place: it serves. */
  get isEligible(): boolean {
    return this.status === 'passing' || this.status === 'warning';
  }
}

/** How instances are written in rules, places and reports. */
export function instanceName({ node, id }: Pick<InstanceRow, 'node' | 'id'>): string {
  return `${node}/${id}`;
}

/** The instances of a service, in no particular order. */
export function populationOf(reader: Reader, namespace: string, service: string): Member[] {
  const statusOf = statuses(reader);
  return Array.from(instancesOfService(reader, namespace, service), (row) => new Member(row, reader, statusOf));
}

/** The service that has the instances of a rollout. */
export function serviceOf({ app }: ConfigRow, { staged }: StagedRollout): string {
  return staged.service ?? app;
}

/**
 * A reader of a draft for scans of the catalog. What other nodes add meanwhile is missed: the next scan, which the owner makes when
 * the catalog has changed, sees it.
 */
export function looseReader(draft: Draft): Reader {
  return {
    kinds: draft.kinds,
    get: (key) => draft.get(key),
    isUnread: (key) => draft.isUnread(key),
    bucket: (bucket) => draft.unguardedBucket(bucket),
    ordered: (kind, namespace, prefix, after) => draft.unguardedOrdered(kind, namespace, prefix, after),
  };
}

/** What a look at the population says about a rollout. */
export interface Look {
  /** Why its alarm ends it now; undefined when it does not. */
  readonly alarm: string | undefined;
  /** The instances that have the release in this stage, if it has a count. */
  readonly places: readonly string[];
  /** All instances. */
  readonly counted: number;
}

/** Yields after each instance, since there may be a hundred thousand. Rows may change between two steps: that is the next look's business. */
export function* lookAt(reader: Reader, row: ConfigRow, rollout: StagedRollout): Generator<undefined, Look, undefined> {
  const population = populationOf(reader, row.namespace, serviceOf(row, rollout));
  const alarm = yield* alarmOf(reader, row, rollout, population);
  return { alarm, places: yield* placesOf(population, row, rollout), counted: population.length };
}

/**
 * The instances that have the release in a stage with a count: those that have it already and still exist, and then those with the lowest
 * hashes, until there are as many as the stage says. So an instance keeps its place for as long as it is registered, healthy or not:
 * a release that makes instances sick is not handed on to others. Yields after each instance.
 */
export function* placesOf(population: readonly Member[], row: ConfigRow, { rule, release, staged }: StagedRollout): Generator<undefined, readonly string[], undefined> {
  const stage = staged.stages[staged.stage];
  const { assigned: before = [] } = staged;
  if (stage === undefined || !('count' in stage)) return before;
  const held = new Set(before);
  const present = new Set<string>();
  const shelves: Free[][] = Array.from({ length: shelfCount }, () => []);
  const salt = saltOf(row, release);
  for (const member of population) {
    yield;
    if (rule !== undefined && !names(rule, member)) continue;
    const { instance } = member;
    if (held.has(instance)) {
      present.add(instance);
      continue;
    }
    const order = hash32(`${salt}:${instance}`) >>> 0;
    shelves[order >>> shelfBits]?.push({ member, instance, order });
  }
  const places = before.filter((instance) => present.has(instance)).slice(0, stage.count);
  for (const shelf of shelves) {
    if (places.length === stage.count) break;
    shelf.sort((a, b) => a.order - b.order || (a.instance < b.instance ? -1 : 1));
    for (const { member, instance } of shelf) {
      yield;
      if (places.length < stage.count && member.isEligible) places.push(instance);
    }
  }
  return places;
}

/** An instance without a place, by its hash. */
interface Free {
  readonly member: Member;
  readonly instance: string;
  readonly order: number;
}

/** Hashes are sorted by their first twelve bits, and each shelf when it is looked at: no sort of all takes one long turn. */
const shelfBits = 20;
const shelfCount = 2 ** (32 - shelfBits);

/** Yields after each instance. @returns why the alarm of a rollout ends it now; undefined when it does not */
export function* alarmOf(reader: Reader, row: ConfigRow, rollout: StagedRollout, population: readonly Member[]): Generator<undefined, string | undefined, undefined> {
  const { alarm } = rollout.staged;
  if (alarm === undefined || alarm.on.length === 0) return undefined;
  const [taken, others]: [Member[], Member[]] = [[], []];
  for (const member of population) {
    (isFor(row, rollout, member) ? taken : others).push(member);
    yield;
  }
  for (const on of alarm.on) {
    const reason = yield* judge(alarm, taken, others, on === 'unhealthy' ? isUnhealthy : reports(reader, row, rollout.release));
    if (reason !== undefined) return `${reason} ${on === 'unhealthy' ? 'are critical' : 'report an error'}`;
  }
  return undefined;
}

const isUnhealthy = (member: Member) => member.isUnhealthy;

function reports(reader: Reader, row: ConfigRow, release: number): (member: Member) => boolean {
  const failed = new Set(Array.from(failuresOf(reader, row)).flatMap((failure) => (failure.release === release ? [failure.instance] : [])));
  return ({ instance }) => failed.has(instance);
}

type Judge = (member: Member) => boolean;

/** What makes all instances sick alike is no fault of the release, so the share is that above the others'. */
function* judge({ share, atLeast = 1 }: Alarm, taken: readonly Member[], others: readonly Member[], isBad: Judge): Generator<undefined, string | undefined, undefined> {
  const bad = yield* count(taken, isBad);
  // Most looks end here, so the others are not counted.
  if (taken.length === 0 || bad < atLeast || bad / taken.length + rounding < share) return undefined;
  const othersBad = yield* count(others, isBad);
  const excess = bad / taken.length - (others.length === 0 ? 0 : othersBad / others.length);
  if (excess + rounding < share) return undefined;
  return `${bad} of ${taken.length} instances with the release, and ${othersBad} of ${others.length} without it,`;
}

/** Shares are sums of fractions: one of three is not exactly a third. */
const rounding = 1e-9;

function* count(members: readonly Member[], isBad: Judge): Generator<undefined, number, undefined> {
  let found = 0;
  for (const member of members) {
    if (isBad(member)) found++;
    yield;
  }
  return found;
}
