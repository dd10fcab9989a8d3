/**
 * Ordinals that the registry leases to this client: small numbers that no other client has in the same pool
 * (subsets need them: `subsetOf` in `@rollcall/protocol`). The client asks once per pool, and again when the session that holds them
 * ends; until then it uses the last one known.
 */

import { defaultNamespace, type ReplyFrame, type WelcomeFrame } from '@rollcall/protocol';
import type { RegistryConnection, ConnectionPart } from './registry-connection.ts';

export interface LeasesOptions {
  readonly connection: Pick<RegistryConnection, 'ask' | 'urge'>;
  /** Called with the reason why a pool has no ordinal; the client asks again with the next connection. */
  readonly onWarning: (message: string) => void;
}

/** The callers of a service. */
export interface Pool {
  readonly namespace: string;
  readonly service: string;
}

interface Lease {
  readonly pool: Pool;
  readonly listeners: Set<(ordinal: number) => void>;
  ordinal: number | undefined;
  /** A request to the registry is under way, or the registry holds the ordinal for this session. */
  settled: boolean;
}

export class Leases implements ConnectionPart {
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

  /** Leases an ordinal, and calls the listener with it and every later one. @returns stops the calls; the lease stays */
  want(pool: Pool, listener: (ordinal: number) => void): () => void {
    const key = `${pool.namespace} ${pool.service}`;
    let lease = this.#leases.get(key);
    if (lease === undefined) this.#leases.set(key, (lease = { pool, listeners: new Set(), ordinal: undefined, settled: false }));
    lease.listeners.add(listener);
    if (lease.ordinal !== undefined) listener(lease.ordinal);
    this.#options.connection.urge();
    if (this.#greeted) this.#ask(key, lease);
    const { listeners } = lease;
    return () => listeners.delete(listener);
  }

  opened(): void {}

  greeted({ resumed }: WelcomeFrame): void {
    this.#greeted = true;
    for (const [key, lease] of this.#leases) {
      if (!resumed) lease.settled = false;
      this.#ask(key, lease);
    }
  }

  pushed(frame: ReplyFrame): void {
    if (frame.type !== 'session-lost') return;
    for (const [key, lease] of this.#leases) {
      lease.settled = false;
      this.#ask(key, lease);
    }
  }

  lost(): void {
    this.#greeted = false;
  }

  refused(): void {}

  closed(): void {
    this.#leases.clear();
  }

  #ask(key: string, lease: Lease): void {
    if (lease.settled) return;
    lease.settled = true;
    // Without a time limit: if the link ends, the request is sent again over the next one.
    const { service, namespace } = lease.pool;
    const ask = { type: 'lease', pool: service, ...(namespace !== defaultNamespace && { namespace }) } as const;
    this.#options.connection.ask(ask, { repeatable: true, timeoutMs: Infinity }).then(
      (reply) => {
        if (reply.type !== 'leased' || this.#leases.get(key) !== lease) return;
        lease.ordinal = reply.ordinal;
        for (const listener of lease.listeners) listener(reply.ordinal);
      },
      (error: Error) => {
        lease.settled = false;
        if (this.#leases.get(key) === lease) this.#options.onWarning(`no ordinal among the callers of ${service}: ${error.message}`);
      },
    );
  }
}
