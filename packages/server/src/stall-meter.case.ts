/**
 * For tests that measure time on a busy machine: leaves out the time in which this process did not
 * run. Limits in seconds hold for a process that runs.
 */

const everyMs = 10;

export interface StallMeter {
  /** Milliseconds since `stallMeter` was called, without stalls of the event loop. */
  elapsedMs(): number;
  stop(): void;
}

export function stallMeter(): StallMeter {
  const startedAt = performance.now();
  let lastAt = startedAt;
  let stalledMs = 0;
  const look = () => {
    const now = performance.now();
    stalledMs += Math.max(0, now - lastAt - 2 * everyMs);
    lastAt = now;
  };
  const interval = setInterval(look, everyMs).unref();
  return {
    elapsedMs() {
      look();
      return lastAt - startedAt - stalledMs;
    },
    stop: () => clearInterval(interval),
  };
}
