/** The lines of `rollcall top`: each service with its health, and what its clients say of their requests. Pure. */

import { instanceStatuses, type InstanceStatus, type ServiceHealth, type TopologyEdge } from '@rollcall/protocol';

/** What a line says of the health of a service. */
export type Health = Omit<ServiceHealth, 'tags' | 'can'>;

/** One service. The words are those of the console. */
export type Row = Health & {
  /** Clients that watch it. */
  readonly watchers: number;
  readonly picksPerSecond: number;
  readonly failuresPerSecond: number;
  /** Milliseconds; absent when no client has measured them. */
  readonly meanMs?: number;
  readonly p99Ms?: number;
};

export const sortings = ['name', 'trouble', 'instances', 'picks', 'failures', 'p99'] as const;
export type Sorting = (typeof sortings)[number];

/** A service that is only called, or only watched, has a line, too. */
export function rowsOf(services: readonly Health[], edges: readonly TopologyEdge[], namespace: string): Row[] {
  const sums = new Map<string, { watchers: number; picksPerSecond: number; failuresPerSecond: number; weighted: number; timed: number; p99Ms: number }>();
  for (const { to, toNamespace, watches, picksPerSecond, failuresPerSecond, meanMs, p99Ms = 0 } of edges) {
    if (toNamespace !== namespace) continue;
    const sum = sums.get(to) ?? { watchers: 0, picksPerSecond: 0, failuresPerSecond: 0, weighted: 0, timed: 0, p99Ms: 0 };
    sums.set(to, sum);
    sum.watchers += watches;
    sum.picksPerSecond += picksPerSecond;
    sum.failuresPerSecond += failuresPerSecond;
    sum.p99Ms = Math.max(sum.p99Ms, p99Ms);
    if (meanMs === undefined) continue;
    sum.weighted += meanMs * picksPerSecond;
    sum.timed += picksPerSecond;
  }
  const healthOf = new Map(services.map((each) => [each.service, each]));
  const none = Object.fromEntries(instanceStatuses.map((status) => [status, 0])) as Record<InstanceStatus, number>;
  return [...new Set([...healthOf.keys(), ...sums.keys()])].map((service): Row => {
    const { weighted = 0, timed = 0, p99Ms = 0, ...rates } = sums.get(service) ?? { watchers: 0, picksPerSecond: 0, failuresPerSecond: 0 };
    return {
      ...none,
      ...{ service, instances: 0 },
      ...only(healthOf.get(service)),
      ...rates,
      ...(timed > 0 ? { meanMs: weighted / timed } : {}),
      ...(p99Ms > 0 ? { p99Ms } : {}),
    };
  });
}

/** The fields that a line has: the API gives tags as well. */
function only(health: Health | undefined): Partial<Health> {
  if (health === undefined) return {};
  const { service, instances } = health;
  return { service, instances, ...Object.fromEntries(instanceStatuses.map((status) => [status, health[status]])) };
}

/** Instances that are not passing; then services whose requests fail. */
function troubleOf({ instances, passing, failuresPerSecond }: Row): number {
  return instances - passing + (failuresPerSecond > 0 ? 0.5 : 0);
}

export function sorted(rows: readonly Row[], by: Sorting): Row[] {
  const key: Readonly<Record<Sorting, (row: Row) => number>> = {
    name: () => 0,
    trouble: troubleOf,
    instances: (row) => row.instances,
    picks: (row) => row.picksPerSecond,
    failures: (row) => row.failuresPerSecond,
    p99: (row) => row.p99Ms ?? 0,
  };
  return rows.toSorted((a, b) => key[by](b) - key[by](a) || (a.service < b.service ? -1 : 1));
}
