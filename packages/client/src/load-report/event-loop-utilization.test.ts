import { expect, it } from 'vitest';
import { eventLoopUtilization } from './event-loop-utilization.ts';

it('is the share of time that the event loop was busy, over half a second or more', () => {
  let [active, idle] = [1000, 9000];
  const utilization = eventLoopUtilization(() => ({ active, idle, utilization: active / (active + idle) }));
  const after = (busyMs: number, idleMs: number) => {
    active += busyMs;
    idle += idleMs;
    return utilization();
  };
  expect(after(100, 300)).toBeUndefined();
  expect(after(100, 0)).toBe(0.4);
  expect(after(499, 0)).toBe(0.4);
  expect(after(1, 0)).toBe(1);
});

it('measures this process by default', () => {
  const utilization = eventLoopUtilization();
  expect(utilization() ?? 0).toBeGreaterThanOrEqual(0);
  expect(utilization() ?? 0).toBeLessThanOrEqual(1);
});
