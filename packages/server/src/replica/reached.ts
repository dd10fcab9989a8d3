/** Callers that wait until the state has applied a revision. Who may wait, and when all must give up, the replica says. */

import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

interface Waiter {
  readonly revision: number;
  readonly done: () => void;
  readonly failed: (error: RegistryError) => void;
}

export class Reached {
  readonly #clock: Clock;
  readonly #revision: () => number;
  readonly #waiters = new Set<Waiter>();

  /** @param revision gives the revision that is applied */
  constructor(clock: Clock, revision: () => number) {
    this.#clock = clock;
    this.#revision = revision;
  }

  /**
   * Resolves when the state has applied `revision`.
   * @param waitMs `Infinity` for no limit
   * @throws RegistryError `unavailable` when it has not after `waitMs`; that of `fail`
   */
  wait(revision: number, waitMs: number): Promise<void> {
    if (this.#revision() >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = waitMs === Infinity ? () => {} : this.#clock.timer(waitMs, () => waiter.failed(this.#behind(revision)));
      const end = () => {
        cancel();
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        revision,
        done: () => {
          end();
          resolve();
        },
        failed: (error) => {
          end();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Called when the state has moved. */
  release(): void {
    if (this.#waiters.size === 0) return;
    const revision = this.#revision();
    for (const waiter of [...this.#waiters]) if (waiter.revision <= revision) waiter.done();
  }

  fail(error: RegistryError): void {
    for (const waiter of [...this.#waiters]) waiter.failed(error);
  }

  #behind(revision: number): RegistryError {
    const message = `this node stands at revision ${this.#revision()}, before ${revision}; try again later, or on another node`;
    return new RegistryError('unavailable', message);
  }
}
