/**
 * A session that exists as long as it is renewed. When it cannot be renewed in time, it may have ended in the
 * registry, and its locks with it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeLimit } from '@rollcall/protocol';
import { CommandFailure, exitCodes } from '../failure.ts';
import type { LockStore } from './lock-store.ts';

/** The TTL of Consul's client; the session is renewed after half of it. */
const sessionTtlMs = 15_000;

/** Pause after a renewal that failed. */
const retryMs = 1_000;

export interface HeldSession {
  readonly id: string;
  /** Resolves with the reason when the session has ended, or may have ended; never after `end`. */
  readonly lost: Promise<string>;
  /** Ends the session and releases its locks. */
  end(): Promise<void>;
}

/** @throws CommandFailure as `adminCall` when the session cannot be created */
export async function holdSession(store: LockStore, name: string): Promise<HeldSession> {
  const id = await store.createSession(name, sessionTtlMs);
  const ended = new AbortController();
  const lost = renew(store, id, ended.signal);
  return {
    id,
    lost,
    end: async () => {
      ended.abort();
      await store.destroySession(id);
    },
  };
}

async function renew(store: LockStore, id: string, signal: AbortSignal): Promise<string> {
  let renewedAt = performance.now();
  let pauseMs = sessionTtlMs / 2;
  for (;;) {
    await sleep(pauseMs, undefined, { signal }).catch(() => new Promise<never>(() => {}));
    const before = performance.now();
    // A missing answer must be noticed before the session ends.
    const patience = withTimeLimit(Math.ceil(Math.max(retryMs, renewedAt + sessionTtlMs - before)), signal);
    try {
      await store.renewSession(id, patience);
      renewedAt = before;
      pauseMs = sessionTtlMs / 2;
    } catch (error) {
      if (signal.aborted) continue;
      const { message } = error as Error;
      if (error instanceof CommandFailure && error.exitCode === exitCodes.notFound) return 'the session has ended';
      if (performance.now() - renewedAt + retryMs > sessionTtlMs) return `the session could not be renewed for ${sessionTtlMs / 1_000} s: ${message}`;
      pauseMs = retryMs;
    }
  }
}
