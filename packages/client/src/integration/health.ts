/**
 * Health from a callback: asks the program at an interval whether it can serve, and says so in heartbeats
 * of a ttl check. A callback that throws, or does not answer before it is asked again, is critical; so is, by
 * the check's own time, a program that can say nothing any more.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';

export interface HealthOptions {
  /**
   * Says whether the program can serve: passing when it returns nothing, critical when it throws or rejects, or
   * what it returns.
   */
  readonly check: () => CheckStatus | void | Promise<CheckStatus | void>;
  /** How often it is asked, in milliseconds, 100 or more. 5,000 by default. */
  readonly intervalMs?: number;
}

const healthOptions: OptionNames<HealthOptions> = { check: true, intervalMs: true };

export type Beat = (status: CheckStatus, output: string) => Promise<void>;

/** Heartbeats that may be lost before silence is critical. */
const beatsLost = 3;

export class Health {
  readonly #check: HealthOptions['check'];
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #stopTimer: () => void = () => {};
  #stopped = false;
  #asking = false;

  /** @throws RegistryError `invalid_argument` when the interval is out of its range */
  constructor(options: HealthOptions, clock: Clock) {
    const { check, intervalMs = 5_000 } = options;
    checkKnown(options, healthOptions, 'health');
    checkRange(intervalMs >= 100 && intervalMs < Infinity, 'health.intervalMs', intervalMs, '100 or more');
    this.#check = check;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /** After so long without a heartbeat the check is critical. */
  get ttlMs(): number {
    return this.#intervalMs * beatsLost;
  }

  start(beat: Beat): void {
    this.#round(beat);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #round(beat: Beat): void {
    if (this.#stopped) return;
    this.#stopTimer = this.#clock.timer(this.#intervalMs, () => this.#round(beat));
    if (this.#asking) {
      this.#tell(beat, 'critical', `the health callback did not answer within ${this.#intervalMs} ms`);
      return;
    }
    this.#asking = true;
    void this.#ask().then(({ status, output }) => {
      this.#asking = false;
      if (!this.#stopped) this.#tell(beat, status, output);
    });
  }

  async #ask(): Promise<{ status: CheckStatus; output: string }> {
    try {
      return { status: (await this.#check()) ?? 'passing', output: '' };
    } catch (error) {
      return { status: 'critical', output: error instanceof Error ? error.message : String(error) };
    }
  }

  /** A registry that is away misses the heartbeat; the next one comes in time. */
  #tell(beat: Beat, status: CheckStatus, output: string): void {
    beat(status, output).catch(() => {});
  }
}
