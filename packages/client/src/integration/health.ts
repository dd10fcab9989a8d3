/**
 * Health from a callback: calls the program's function at an interval, and sends its result in heartbeats of a
 * ttl check. A callback that throws, or has not answered by the next call, makes the check critical. If the program
 * sends no more heartbeats, the check becomes critical when its time is over.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';

export interface HealthOptions {
  /**
   * Reports whether the program can serve: the returned status, passing when it returns nothing, critical when
   * it throws or rejects.
   */
  readonly check: () => CheckStatus | void | Promise<CheckStatus | void>;
  /** Interval between calls, in milliseconds, 100 or more. 5,000 by default. */
  readonly intervalMs?: number;
}

const healthOptions: OptionNames<HealthOptions> = { check: true, intervalMs: true };

export type Beat = (status: CheckStatus, output: string) => Promise<void>;

/** Number of lost heartbeats in a row that do not yet make the check critical. */
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

  /** The check is critical after this time without a heartbeat. */
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

  /** While the registry is unreachable this heartbeat is lost; the next one still comes in time. */
  #tell(beat: Beat, status: CheckStatus, output: string): void {
    beat(status, output).catch(() => {});
  }
}
