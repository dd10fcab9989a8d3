/**
 * Priority levels: instances of level 0 get all requests as long as enough of them are healthy; load beyond their
 * capacity goes to level 1, and so on. Envoy's rule
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority).
 */

export interface LevelHealth {
  readonly healthy: number;
  /** Overprovisioning: how much more than its share a healthy instance can take; 1 or more. */
  readonly total: number;
}

/** With this value, a level with 72 % of its instances healthy (1 / 1.4) still takes all requests. */
const defaultOverprovisioning = 1.4;

/**
 * The share of requests for each level, in the order of the levels.
 * @param overprovisioning how much more than its share a healthy instance can take, 1 or more
 * @returns shares that add up to 1; all on the first level when no endpoint is healthy anywhere; empty for no levels
 */
export function levelShares(levels: readonly LevelHealth[], overprovisioning = defaultOverprovisioning): number[] {
  const able = levels.map(({ healthy, total }) => Math.min(1, (overprovisioning * healthy) / total));
  const sum = able.reduce((all, one) => all + one, 0);
  if (sum === 0) return levels.map((_, level) => (level === 0 ? 1 : 0));
  // When all levels together cannot take all requests, each takes its part of the overload.
  const scale = Math.min(1, sum);
  let left = 1;
  return able.map((one) => {
    const share = Math.min(left, one / scale);
    left -= share;
    return share;
  });
}
