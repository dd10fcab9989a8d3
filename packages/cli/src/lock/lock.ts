/**
 * A lock on a key, in the form of Consul's clients: the session that wrote the key holds it
 * (https://developer.hashicorp.com/consul/docs/automate/application-leader-election, `api/lock.go`).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, exitCodes } from '../failure.ts';
import type { HeldSession } from './held-session.ts';
import type { LockStore } from './lock-store.ts';

/** The interface of a lock and a semaphore. */
export interface Claim {
  /**
   * Resolves when the key is held; false after `timeoutMs`.
   * @throws CommandFailure when the key has another content, or as `adminCall`
   */
  take(): Promise<boolean>;
  /** Watches until it is lost, and resolves with the reason. */
  watch(): Promise<string>;
  /** Releases it, and removes unused keys. */
  release(): Promise<void>;
}

export interface ClaimOptions {
  readonly store: LockStore;
  readonly session: HeldSession;
  readonly prefix: string;
  /** Longest to wait for it, in milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  /** Failures of the registry in a row that are allowed while the lock is watched. */
  readonly monitorRetries: number;
  readonly signal: AbortSignal;
}

/** Flags of Consul by which clients distinguish a lock from a semaphore. */
const lockFlags = 0x2ddccbc058a50c18n;

/** Pause before a lock is tried again: during the lock delay the registry refuses it, and the end of the delay is no change. */
export const retryMs = 1_000;
const monitorPauseMs = 1_000;

export class Lock implements Claim {
  readonly #options: ClaimOptions;
  readonly #key: string;

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#key = lockKey(options.prefix);
  }

  async take(): Promise<boolean> {
    const { store, session, signal, timeoutMs } = this.#options;
    const until = deadline(timeoutMs);
    let index: string | undefined;
    for (;;) {
      const found = await store.look(this.#key, { index, signal, ...waitUntil(until) });
      const [held] = found.keys;
      if (held !== undefined && held.flags !== String(lockFlags)) {
        throw new CommandFailure(exitCodes.failure, `the key ${JSON.stringify(this.#key)} is no lock; use another prefix`);
      }
      // A release after this read has a higher index.
      index = found.index;
      if (held?.session === session.id) return true;
      if (held === undefined || held.session === '') {
        if (await store.write(this.#key, { flags: lockFlags, acquire: session.id })) return true;
        index = undefined;
        await sleep(retryMs, undefined, { signal });
      }
      if (performance.now() >= until) return false;
    }
  }

  watch(): Promise<string> {
    const { store, session, monitorRetries, signal } = this.#options;
    let index: string | undefined;
    return watching({ retries: monitorRetries, signal }, async () => {
      const found = await store.look(this.#key, { index, signal });
      index = found.index;
      return found.keys[0]?.session === session.id;
    });
  }

  async release(): Promise<void> {
    const { store, session } = this.#options;
    await store.write(this.#key, { flags: lockFlags, release: session.id });
    const { keys: [left] } = await store.look(this.#key, { signal: AbortSignal.timeout(10_000) });
    // A key that is not a lock belongs to another program.
    if (left?.session === '' && left.flags === String(lockFlags)) await store.remove(this.#key, left.revision);
  }
}

export function lockKey(prefix: string): string {
  return `${prefix.replace(/\/+$/, '')}/.lock`;
}

/** On the clock of `performance.now`. */
export function deadline(timeoutMs: number): number {
  return timeoutMs === 0 ? Infinity : performance.now() + timeoutMs;
}

/** A blocking query must not outlast the deadline. */
export function waitUntil(until: number): { waitSeconds?: number } {
  return until === Infinity ? {} : { waitSeconds: Math.min(50, Math.max(0.05, (until - performance.now()) / 1_000)) };
}

/** @param stillHeld sends a read to the registry, which waits for a change from the second time on */
export async function watching(
  { retries, signal }: { readonly retries: number; readonly signal: AbortSignal },
  stillHeld: () => Promise<boolean>,
): Promise<string> {
  let failures = 0;
  for (;;) {
    try {
      if (!(await stillHeld())) return 'another session holds it, or none';
      failures = 0;
    } catch (error) {
      if (signal.aborted) return 'the command was stopped';
      if (++failures > retries) return `the registry could not be asked: ${(error as Error).message}`;
      await sleep(monitorPauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
