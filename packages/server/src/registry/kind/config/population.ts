/**
 * The live population of a rollout: the instances of the app's service in the catalog, as the clients that they are. Pure functions
 * over rows, so every node counts the same instances.
 */

import { hash32 } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { Reader } from '../../reader.ts';
import { statuses } from '../catalog/effective-status.ts';
import { findNode, instancesOfService } from '../catalog/find.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import { failuresOf, type StagedRollout } from './find.ts';
import { isFor, names, saltOf, type ConfigReader } from './given.ts';
import type { Alarm, ConfigRow } from './rows.ts';

/** An instance as a client of configurations. */
export interface Member extends ConfigReader {
  readonly instance: string;
  /** It cannot serve now. */
  readonly unhealthy: boolean;
  /** It may get a place: it serves, or would. */
  readonly eligible: boolean;
}

/** How instances are written in rules, places and reports. */
export function instanceName({ node, id }: Pick<InstanceRow, 'node' | 'id'>): string {
  return `${node}/${id}`;
}

/** The instances of a service, in no particular order. */
export function populationOf(reader: Reader, namespace: string, service: string): Member[] {
  const statusOf = statuses(reader);
  return Array.from(instancesOfService(reader, namespace, service), (instance): Member => {
    const status = statusOf(instance);
    return {
      ...{ app: service, instance: instanceName(instance), labels: instance.meta },
      address: instance.address === '' ? (findNode(reader, instance.node)?.address ?? '') : instance.address,
      unhealthy: status === 'critical',
      eligible: status === 'passing' || status === 'warning',
    };
  });
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

/**
 * The instances that have the release in a stage with a count: those that have it already and still exist, and then those with the lowest
 * hashes, until there are as many as the stage says. So an instance keeps its place for as long as it is registered, healthy or not:
 * a release that makes instances sick is not handed on to others.
 */
export function placesOf(population: readonly Member[], row: ConfigRow, { rule, release, staged }: StagedRollout): readonly string[] {
  const stage = staged.stages[staged.stage];
  if (stage === undefined || !('count' in stage)) return staged.assigned ?? [];
  const named = population.filter((member) => rule === undefined || names(rule, member));
  const present = new Set(named.map(({ instance }) => instance));
  const kept = (staged.assigned ?? []).filter((instance) => present.has(instance)).slice(0, stage.count);
  const taken = new Set(kept);
  const salt = saltOf(row, release);
  const free = named.filter(({ instance, eligible }) => eligible && !taken.has(instance)).map(({ instance }) => ({ instance, order: hash32(`${salt}:${instance}`) >>> 0 }));
  free.sort((a, b) => a.order - b.order || (a.instance < b.instance ? -1 : 1));
  return [...kept, ...free.slice(0, stage.count - kept.length).map(({ instance }) => instance)];
}

/** @returns why the alarm of a rollout ends it now; undefined when it does not */
export function alarmOf(reader: Reader, row: ConfigRow, rollout: StagedRollout, population = populationOf(reader, row.namespace, serviceOf(row, rollout))): string | undefined {
  const { alarm } = rollout.staged;
  if (alarm === undefined) return undefined;
  const taken = population.filter((member) => isFor(row, rollout, member));
  const has = new Set(taken);
  const others = population.filter((member) => !has.has(member));
  for (const on of alarm.on) {
    const isBad = on === 'unhealthy' ? (member: Member) => member.unhealthy : reports(reader, row, rollout.release);
    const reason = judge(alarm, { taken: taken.length, bad: taken.filter(isBad).length, others: others.length, othersBad: others.filter(isBad).length });
    if (reason !== undefined) return `${reason} ${on === 'unhealthy' ? 'are critical' : 'report an error'}`;
  }
  return undefined;
}

function reports(reader: Reader, row: ConfigRow, release: number): (member: Member) => boolean {
  const failed = new Set(Array.from(failuresOf(reader, row)).flatMap((failure) => (failure.release === release ? [failure.instance] : [])));
  return ({ instance }) => failed.has(instance);
}

interface Counted {
  readonly taken: number;
  readonly bad: number;
  readonly others: number;
  readonly othersBad: number;
}

/** What makes all instances sick alike is no fault of the release, so the share is that above the others'. */
function judge({ share, atLeast = 1 }: Alarm, { taken, bad, others, othersBad }: Counted): string | undefined {
  if (taken === 0 || bad < atLeast) return undefined;
  const excess = bad / taken - (others === 0 ? 0 : othersBad / others);
  // Shares are sums of fractions: one of three is not exactly a third.
  if (excess + 1e-9 < share) return undefined;
  return `${bad} of ${taken} instances with the release, and ${othersBad} of ${others} without it,`;
}
