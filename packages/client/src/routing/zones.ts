/**
 * Zone-aware routing: decides how much of its traffic a caller sends to instances of its own zone, and where
 * the rest goes, so that no instance gets more than the others. Envoy's rule
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/zone_aware):
 *
 * - A zone whose share of the instances is at least its share of the callers keeps all of its traffic.
 * - A zone with a smaller share keeps the traffic that it can serve, and divides the rest among zones with free
 *   capacity, in proportion to that capacity.
 */

/** Below this many instances, Envoy balances over all zones: one more or less would shift too much. */
export const defaultZoneSizeMin = 6;

/**
 * The share of this caller's requests for each zone.
 * @param own the caller's zone; undefined ignores zones
 * @param instances number of healthy instances in each zone
 * @param callers number or share of callers in each zone; absent: the same in each zone
 *   that is named in `instances`, and in the caller's own
 * @returns shares by zone that add up to 1; by the number of instances, when the own zone has none or is
 *   not among the callers' zones; empty when no endpoint is healthy
 */
export function zoneShares(
  own: string | undefined,
  instances: ReadonlyMap<string, number>,
  callers?: Readonly<Record<string, number>>,
): Map<string, number> {
  const total = sum(instances.values());
  const shares = new Map<string, number>();
  if (total === 0) return shares;
  const capacity = (zone: string) => (instances.get(zone) ?? 0) / total;
  const demand = own === undefined ? () => 0 : demandBy(own, instances, callers);
  const wanted = own === undefined ? 0 : demand(own);
  if (own === undefined || capacity(own) === 0 || wanted === 0) {
    for (const zone of instances.keys()) shares.set(zone, capacity(zone));
    return shares;
  }
  const kept = Math.min(1, capacity(own) / wanted);
  shares.set(own, kept);
  if (kept === 1) return shares;
  const spare = new Map<string, number>();
  for (const zone of instances.keys()) {
    if (zone !== own) spare.set(zone, Math.max(0, capacity(zone) - demand(zone)));
  }
  // The own zone lacks capacity, so other zones have some free.
  const spareTotal = sum(spare.values());
  for (const [zone, amount] of spare) {
    if (amount > 0) shares.set(zone, ((1 - kept) * amount) / spareTotal);
  }
  return shares;
}

function demandBy(
  own: string,
  instances: ReadonlyMap<string, number>,
  callers: Readonly<Record<string, number>> | undefined,
): (zone: string) => number {
  if (callers === undefined) {
    const zones = new Set([own, ...instances.keys()]);
    return (zone) => (zones.has(zone) ? 1 / zones.size : 0);
  }
  const total = sum(Object.values(callers));
  return (zone) => (total > 0 && Object.hasOwn(callers, zone) ? (callers[zone] as number) / total : 0);
}

function sum(values: Iterable<number>): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}
