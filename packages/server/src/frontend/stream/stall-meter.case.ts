/**
 * For tests that measure time on a machine that does other things, too: how long this process did
 * not run. What is promised in seconds is promised of a process that runs.
 */

const everyMs = 10;

export interface StallMeter {
  /** Milliseconds since `stallMeter` was called, without those in which the event loop stood still. */
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
  const interval = setInterval(look, everyMs);
  return {
    elapsedMs() {
      look();
      return lastAt - startedAt - stalledMs;
    },
    stop: () => clearInterval(interval),
  };
}
