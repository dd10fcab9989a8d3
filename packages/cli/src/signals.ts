/** Signals that ask a process to stop. */

import { constants } from 'node:os';

/** Signals from users and supervisors: Ctrl-C, `kill`, a terminal that closes. */
const asking = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignals {
  readonly first: Promise<NodeJS.Signals>;
  readonly second: Promise<NodeJS.Signals>;
}

/**
 * After the call, these signals no longer end the process by themselves.
 * @param hangUp called for each SIGHUP instead
 */
export function stopSignals(hangUp?: () => void): StopSignals {
  const told: ((signal: NodeJS.Signals) => void)[] = [];
  const next = () => new Promise<NodeJS.Signals>((resolve) => told.push(resolve));
  const signals = { first: next(), second: next() };
  for (const signal of asking) {
    process.on(signal, hangUp !== undefined && signal === 'SIGHUP' ? hangUp : () => told.shift()?.(signal));
  }
  return signals;
}

/** 15 for SIGTERM: a program ended by a signal has the exit code 128 + this, as in POSIX shells. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}
