/** Metrics that are read from the registry during a scrape. */

import type { Registry } from '../../registry/registry.ts';
import { catalogBuckets } from '../../registry/kind/catalog/keys.ts';
import { failedMachines, membersOf } from '../../registry/kind/member/find.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import { sessionBuckets } from '../../registry/kind/session/keys.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { availability, countOf, type Counts, type NamespaceCounts } from './availability.ts';

export function exposeRegistry(metrics: Metrics, { state, views }: Registry, counts: () => Promise<Counts>): void {
  metrics.observeTotal('rollcall_wake_ups_total', 'Watchers woken by a change of their view', () => views.wakeUps);
  const gauges: readonly [name: string, help: string, read: () => number | Promise<number>][] = [
    ['rollcall_members', 'Nodes of the store, workers included', () => membersOf(state).length],
    ['rollcall_members_failed', 'Nodes of the store that have failed within the last 72 hours and have not come back', () => failedMachines(state).length],
    ['rollcall_revision', 'Revision of the newest applied change', () => state.revision],
    ['rollcall_records', 'Records in the state, of every kind together', () => state.size],
    ['rollcall_namespaces', 'Namespaces, the default one included', () => [...namespaceNames(state)].length],
    ['rollcall_nodes', 'Nodes', async () => (await counts()).nodes],
    ['rollcall_nodes_available', 'Nodes without a critical check of their own', async () => (await counts()).nodesAvailable],
    ['rollcall_services', 'Services', async () => (await counts()).services],
    ['rollcall_services_available', 'Services with a passing instance', async () => (await counts()).servicesAvailable],
    ['rollcall_instances', 'Instances of all services', async () => (await counts()).instances],
    ['rollcall_checks', 'Checks', () => countOf(state, catalogBuckets.checks)],
    ['rollcall_sessions', 'Sessions, those of streams included', () => countOf(state, sessionBuckets.all)],
    ['rollcall_kv_keys', 'Keys in the KV store', () => state.sizeOf('kv')],
    [
      'rollcall_availability_ratio',
      '(Available nodes + available services) / (nodes + services); 1 when there are none',
      async () => availability(await counts()),
    ],
  ];
  metrics.observe('rollcall_watchers', 'Watchers of views: parked queries and watches of streams', () => views.watching);
  for (const [name, help, read] of gauges) metrics.observe(name, help, read, 'max');
  const ofNamespaces: readonly [name: string, help: string, read: (counts: NamespaceCounts) => number][] = [
    ['rollcall_namespace_services', 'Services of a namespace', ({ services }) => services],
    ['rollcall_namespace_services_available', 'Services of a namespace with a passing instance', (each) => each.servicesAvailable],
    ['rollcall_namespace_instances', 'Instances of a namespace', ({ instances }) => instances],
  ];
  for (const [name, help, read] of ofNamespaces) {
    metrics.observeBy(name, help, 'namespace', async () =>
      (await counts()).byNamespace.map((each) => [each.namespace, read(each)]),
    );
  }
}
