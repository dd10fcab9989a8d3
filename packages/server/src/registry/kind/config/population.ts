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
import type { StagedRollout } from './find.ts';
import { names, saltOf, type ConfigReader } from './given.ts';
import { instanceName } from './instance-name.ts';
import type { ConfigRow } from './rows.ts';

/** Instances that a turn of the event loop may look at: some 5 microseconds each. */
export const instancesPerTurn = 1_024;

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

/** One instance, such as one that has just been removed. */
export function memberOf(reader: Reader, row: InstanceRow): Member {
  return new Member(row, reader, statuses(reader));
}

/** The instances of a service, in no particular order. */
export function populationOf(reader: Reader, namespace: string, service: string): Member[] {
  const statusOf = statuses(reader);
  return Array.from(instancesOfService(reader, namespace, service), (row) => new Member(row, reader, statusOf));
}

/** The service that has the instances of a rollout. */
export function serviceOf({ app }: Pick<ConfigRow, 'app'>, { staged }: StagedRollout): string {
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

/** Who gets the release in a stage that begins, if that has a count. Yields after each instance. */
export function* lookForPlaces(reader: Reader, row: ConfigRow, rollout: StagedRollout): Generator<undefined, readonly string[], undefined> {
  return yield* placesOf(populationOf(reader, row.namespace, serviceOf(row, rollout)), row, rollout);
}

/** The rollout as it is when its next stage begins, if that has a count. */
export function nextWithCount({ staged, ...rollout }: StagedRollout): StagedRollout | undefined {
  const next = staged.stages[staged.stage + 1];
  return next === undefined || !('count' in next) ? undefined : { ...rollout, staged: { ...staged, stage: staged.stage + 1 } };
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
