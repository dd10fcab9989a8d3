/** Placeholder of the type until the timing wheel lands in the next commit. */

export interface Wheel {
  /** Runs `callback` once after `delayMs`; the handle renews or cancels it. */
  schedule(delayMs: number, callback: () => void): WheelTimer;
}

export interface WheelTimer {
  /** Starts the time anew; O(1). Also revives a timer that has fired or was cancelled. */
  renew(delayMs: number): void;
  cancel(): void;
}
