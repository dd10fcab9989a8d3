/**
 * Ends the leases of strict sessions when their time is over: at once, and also while expiry is frozen. Their owners measure the same time
 * and give up before it ends, so a freeze would keep locks from being taken over and protect nothing.
 */

import type { Logger } from 'pino';
import type { Registry } from '../registry/registry.ts';
import type { Lapsed, Lease, LeaseKind } from './lease.ts';
import type { Wheel } from './wheel.ts';

/** Pause before a verdict that could not be committed is tried again. */
const retryMs = 500;

export interface PromptExpiryOptions {
  readonly registry: Registry;
  readonly wheel: Wheel;
  readonly log: Logger;
  /** Resolves when the sockets were read: a renewal that has arrived counts. */
  readonly yieldToIo: () => Promise<void>;
  readonly onExpired: (kind: LeaseKind) => void;
}

export class PromptExpiry implements Lapsed {
  readonly #options: PromptExpiryOptions;
  readonly #lapsed = new Set<Lease>();
  #closed = false;

  constructor(options: PromptExpiryOptions) {
    this.#options = options;
  }

  add(lease: Lease): void {
    this.#lapsed.add(lease);
    void this.#expire(lease);
  }

  drop(lease: Lease): void {
    this.#lapsed.delete(lease);
  }

  /** Such leases vouch for no instances. */
  watch(): void {}

  close(): void {
    this.#closed = true;
    this.#lapsed.clear();
  }

  async #expire(lease: Lease): Promise<void> {
    const { registry, wheel, log, yieldToIo, onExpired } = this.#options;
    await yieldToIo();
    if (this.#closed || !this.#lapsed.delete(lease)) return;
    const command = lease.owned ? lease.verdict() : undefined;
    if (command === undefined) {
      lease.stop();
      return;
    }
    lease.end();
    try {
      await registry.submit(command);
    } catch (err) {
      if (this.#closed || !lease.notEnded()) return;
      log.warn({ err, session: lease.key }, 'the end of a session could not be committed; it will be tried again');
      this.#lapsed.add(lease);
      wheel.schedule(retryMs, () => void this.#expire(lease));
      return;
    }
    if (lease.ended()) onExpired(lease.kind);
  }
}
