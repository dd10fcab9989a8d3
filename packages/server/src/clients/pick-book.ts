/**
 * What one client has reported about its picks: the newest report of each service. It is in memory, and goes with the connection. A report that
 * the next one should have followed for long is not shown any more: the client has made no requests since.
 */

import type { ClientPicks } from '@rollcall/protocol';

/** Counts of one service over one interval. */
export interface PickCounts {
  readonly namespace: string;
  readonly service: string;
  readonly picks: number;
  readonly failures: number;
  readonly meanMs?: number;
  readonly p99Ms?: number;
}

/** Services of one client; counts of others are dropped. */
const servicesMax = 1_000;

/** Intervals after which a report is too old to be shown. */
const intervalsMax = 2;

interface Entry {
  readonly shown: ClientPicks;
  readonly endsMs: number;
}

export class PickBook {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  /** @param now monotonic clock, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param intervalMs time that the counts are of, at least 1 */
  hear(counts: readonly PickCounts[], intervalMs: number): void {
    const nowMs = this.#now();
    for (const [key, { endsMs }] of this.#entries) if (endsMs < nowMs) this.#entries.delete(key);
    const perSecond = 1_000 / intervalMs;
    for (const { namespace, service, picks, failures, meanMs, p99Ms } of counts) {
      const key = `${namespace}\0${service}`;
      if (this.#entries.size >= servicesMax && !this.#entries.has(key)) continue;
      const times = { ...(meanMs === undefined ? {} : { meanMs }), ...(p99Ms === undefined ? {} : { p99Ms }) };
      const shown = { namespace, service, picksPerSecond: rounded(picks * perSecond), failuresPerSecond: rounded(failures * perSecond), ...times };
      this.#entries.set(key, { shown, endsMs: nowMs + intervalMs * intervalsMax });
    }
  }

  *picks(): Generator<ClientPicks, void, undefined> {
    const nowMs = this.#now();
    for (const { shown, endsMs } of this.#entries.values()) if (endsMs >= nowMs) yield shown;
  }
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
