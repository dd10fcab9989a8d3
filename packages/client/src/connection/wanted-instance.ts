/**
 * One instance as the program wants it: the version that the registry has confirmed, and the callers that wait for that. It sends nothing;
 * `registrations.ts` does, and says here what came of it.
 */

import { RegistryError, type InstanceRegistration } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

export interface Wait {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait, in milliseconds; `Infinity` for none. */
  readonly timeoutMs: number;
}

interface Waiter {
  readonly version: number;
  settle(error?: unknown): void;
}

export class WantedInstance {
  readonly id: string;
  /** Undefined: to be removed. */
  wanted: InstanceRegistration | undefined;
  /** A registry may have it. */
  sent = false;
  /** The registry had it before. */
  taken = false;
  /** The program was told that it is registered. */
  told = false;
  /** Why the last attempt failed. */
  lastError: RegistryError | undefined;
  readonly #clock: Clock;
  /** Rises with every change of `wanted`. */
  #version = 0;
  /** Version that the registry has confirmed, or finally refused; 0 for none. */
  #confirmed = 0;
  /** Why the registry refused the version that counts as confirmed. */
  #refusal: RegistryError | undefined;
  #stopTimer = () => {};
  readonly #waiters = new Set<Waiter>();

  constructor(id: string, clock: Clock) {
    this.id = id;
    this.#clock = clock;
  }

  get version(): number {
    return this.#version;
  }

  /** The registry has it as it is wanted now, or has finally refused it. */
  get isSettled(): boolean {
    return this.#confirmed >= this.#version;
  }

  change(wanted: InstanceRegistration | undefined): void {
    if (wanted === undefined) this.#stopTimer();
    this.wanted = wanted;
    this.#version++;
  }

  /** An unreachable registry sends no event. @param late called once, unless it is settled by then, or is to be removed */
  watchLate(timeoutMs: number, late: (error: RegistryError) => void): void {
    this.#stopTimer = this.#clock.timer(timeoutMs, () => {
      if (!this.isSettled) late(this.lastError ?? notTaken(timeoutMs));
    });
  }

  /** What the registry has confirmed counts no more: it is to be sent again. */
  unsettle(): void {
    this.#confirmed = 0;
  }

  /** @param error why the registry has refused this version; undefined: it has taken it */
  settle(version: number, error: RegistryError | undefined): void {
    this.#confirmed = version;
    this.lastError = undefined;
    this.#refusal = error;
    this.#stopTimer();
    for (const waiter of this.#waiters) if (waiter.version <= version) waiter.settle(error);
  }

  /** Rejects the callers that wait; it is tried again. */
  reject(error: RegistryError): void {
    for (const waiter of this.#waiters) waiter.settle(error);
  }

  /** The client is closed. */
  close(): void {
    this.#stopTimer();
    this.reject(new RegistryError('cancelled', 'the client is closed'));
  }

  /**
   * Resolves when the registry has it as it is wanted now.
   * @throws RegistryError the reason of a refusal; `unavailable` if no registry could be reached in time
   * @throws the signal's reason when it aborts first
   */
  settled({ signal, timeoutMs }: Wait): Promise<void> {
    if (this.isSettled) return this.#refusal === undefined ? Promise.resolve() : Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        version: this.#version,
        settle: (error?: unknown) => {
          this.#waiters.delete(waiter);
          stopTimer();
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const onAbort = () => waiter.settle(signal?.reason ?? new RegistryError('cancelled', 'cancelled'));
      const late = () => waiter.settle(this.lastError ?? notTaken(timeoutMs));
      const stopTimer = timeoutMs === Infinity ? () => {} : this.#clock.timer(timeoutMs, late);
      this.#waiters.add(waiter);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort);
    });
  }
}

function notTaken(timeoutMs: number): RegistryError {
  return new RegistryError('unavailable', `no registry accepted the registration within ${timeoutMs} ms; the client keeps trying`);
}
