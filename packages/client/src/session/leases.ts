/**
 * Ordinals that the registry leases to this client: small numbers that no other client has in the same pool
 * (`routing/subset.ts` needs them). Asked for once per pool, and again whenever the session that holds them is
 * gone; in between the last one known is used.
 */

import type { ReplyFrame, WelcomeFrame } from '@rollcall/protocol';
import type { Session, SessionPart } from './session.ts';

export interface LeasesOptions {
  readonly session: Pick<Session, 'ask' | 'urge'>;
  /** Told why a pool has no ordinal; it is asked for again with the next connection. */
  readonly onWarning: (message: string) => void;
}

interface Lease {
  readonly listeners: Set<(ordinal: number) => void>;
  ordinal: number | undefined;
  /** The registry is being asked, or holds it for this session. */
  settled: boolean;
}

export class Leases implements SessionPart {
  readonly #options: LeasesOptions;
  readonly #leases = new Map<string, Lease>();
  #greeted = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Pools in which this client has, or wants, an ordinal. */
  get size(): number {
    return this.#leases.size;
  }

  /** Leases an ordinal, and tells the listener of it and of every later one. @returns ends the telling; the lease stays */
  want(pool: string, listener: (ordinal: number) => void): () => void {
    let lease = this.#leases.get(pool);
    if (lease === undefined) this.#leases.set(pool, (lease = { listeners: new Set(), ordinal: undefined, settled: false }));
    lease.listeners.add(listener);
    if (lease.ordinal !== undefined) listener(lease.ordinal);
    this.#options.session.urge();
    if (this.#greeted) this.#ask(pool, lease);
    const { listeners } = lease;
    return () => listeners.delete(listener);
  }

  opened(): void {}

  greeted({ resumed }: WelcomeFrame): void {
    this.#greeted = true;
    for (const [pool, lease] of this.#leases) {
      if (!resumed) lease.settled = false;
      this.#ask(pool, lease);
    }
  }

  pushed(frame: ReplyFrame): void {
    if (frame.type !== 'session-lost') return;
    for (const [pool, lease] of this.#leases) {
      lease.settled = false;
      this.#ask(pool, lease);
    }
  }

  lost(): void {
    this.#greeted = false;
  }

  refused(): void {}

  closed(): void {
    this.#leases.clear();
  }

  #ask(pool: string, lease: Lease): void {
    if (lease.settled) return;
    lease.settled = true;
    // For as long as it takes: a link that ends sends it again over the next one.
    this.#options.session.ask({ type: 'lease', pool }, { repeatable: true, timeoutMs: Infinity }).then(
      (reply) => {
        if (reply.type !== 'leased' || this.#leases.get(pool) !== lease) return;
        lease.ordinal = reply.ordinal;
        for (const listener of lease.listeners) listener(reply.ordinal);
      },
      (error: Error) => {
        lease.settled = false;
        if (this.#leases.get(pool) === lease) this.#options.onWarning(`no ordinal among the callers of ${pool}: ${error.message}`);
      },
    );
  }
}
