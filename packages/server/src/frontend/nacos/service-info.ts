/**
 * The list of instances of a service as Nacos gives it to subscribers (`ServiceInfo`), over HTTP and gRPC alike. It reads from one
 * state, in steps, and knows neither requests nor connections.
 *
 * Source: `ServiceUtil.selectInstancesWithHealthyProtection` in github.com/alibaba/nacos.
 */

import { protectedStatuses, statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findNode, findService, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { serviceRecordView, serviceView } from '../../registry/kind/catalog/views.ts';
import type { Reader } from '../../registry/reader.ts';
import type { Views } from '../../registry/views.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { defaultCluster, toService, type ServiceName } from './names.ts';
import { toInstanceView, type InstanceView } from './translate.ts';

/** Which instances of which service. */
export interface Selection {
  readonly namespace: string;
  readonly service: ServiceName;
  /** Names of clusters, joined by commas, as the client sent them; empty for all. */
  readonly clusters: string;
  readonly healthyOnly: boolean;
  /** Leaves out instances that take no requests on purpose, as Nacos does for queries, but not for pushes. */
  readonly enabledOnly: boolean;
}

/**
 * The largest `lastRefTime` that a Nacos server could have given: 2100 in milliseconds. Ours is above it, so that a client
 * that comes from a Nacos server does not take our first answer for an old one.
 */
const newestOfNacos = 4_102_444_800_000;

/**
 * `lastRefTime`: clients drop an answer whose time is not newer than the one they know. It follows from the revision of what is shown, so it rises
 * with every change, whichever node answers; no clock is asked.
 */
export function refTimeOf(revision: number): number {
  return newestOfNacos + revision;
}

/** The revision of the list: the newest of those of the views that shape it. */
export function revisionOf(views: Pick<Views, 'revision'>, { namespace, service }: Pick<Selection, 'namespace' | 'service'>): number {
  return Math.max(...viewsOf(namespace, service).map((view) => views.revision(view)));
}

/** Calls the listener when the list may have changed. @returns stops it */
export function watchService(views: Pick<Views, 'watch'>, { namespace, service }: Pick<Selection, 'namespace' | 'service'>, listener: () => void): () => void {
  const stops = viewsOf(namespace, service).map((view) => views.watch(view, listener));
  return () => {
    for (const stop of stops) stop();
  };
}

function viewsOf(namespace: string, service: ServiceName): readonly [string, string] {
  const name = toService(service);
  return [serviceView(namespace, name), serviceRecordView(namespace, name)];
}

export interface Hosts {
  readonly hosts: readonly InstanceView[];
  /** The protect threshold is reached: instances that only their checks make unhealthy are shown as healthy. */
  readonly protects: boolean;
}

/**
 * The instances of a selection. Yields after each.
 * @param authorizer instances on a node that it may not read are left out; those of Nacos have none
 */
export function* readHosts(reader: Reader, selection: Selection, authorizer: Pick<Authorizer, 'allows'>): Generator<undefined, Hosts, undefined> {
  const hosts: InstanceView[] = [];
  const work = selecting(reader, selection, authorizer);
  for (;;) {
    const step = work.next();
    if (step.done === true) return { hosts, protects: step.value };
    if (step.value !== undefined) hosts.push(step.value);
    yield;
  }
}

/**
 * The same one by one; undefined is a step without an instance.
 * @returns whether the protect threshold is reached
 */
export function* selecting(reader: Reader, selection: Selection, authorizer: Pick<Authorizer, 'allows'>): Generator<InstanceView | undefined, boolean, undefined> {
  const { namespace, service, clusters, healthyOnly, enabledOnly } = selection;
  const name = toService(service);
  const wanted = new Set(clusters.split(',').filter((cluster) => cluster.trim() !== ''));
  const shown = yield* protectedStatuses(reader, namespace, name);
  const mayProtect = (findService(reader, namespace, name)?.protectThreshold ?? 0) > 0;
  const plain = mayProtect ? statuses(reader) : shown;
  let protects = false;
  // A copy: instances may come and go between two steps.
  for (const row of [...instancesOfService(reader, namespace, name)]) {
    if (wanted.size > 0 && !wanted.has(row.cluster ?? defaultCluster)) continue;
    if (row.node !== '' && !authorizer.allows(namespace, 'node', 'read', row.node)) continue;
    const status = shown(row);
    protects ||= mayProtect && status !== plain(row);
    const view = toInstanceView(row, findNode(reader, row.node), status, service);
    yield (view.healthy || !healthyOnly) && (view.enabled || !enabledOnly) ? view : undefined;
  }
  return protects;
}

/** The fields of a `ServiceInfo` around its hosts. @param name `GROUP@@name` over HTTP, the name alone over gRPC */
export function serviceInfo({ service: { group }, clusters }: Selection, name: string, { hosts, protects }: Hosts, revision: number): object {
  return {
    name,
    groupName: group,
    clusters,
    cacheMillis: 10_000,
    hosts,
    lastRefTime: refTimeOf(revision),
    checksum: '',
    allIps: false,
    reachProtectionThreshold: protects,
    valid: true,
  };
}
