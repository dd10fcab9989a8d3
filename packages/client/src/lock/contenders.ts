/** All contenders of a client: tells each of them when a link comes and goes, and ends them with the client. */

import type { WelcomeFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { ConnectionPart, RegistryConnection } from '../connection/registry-connection.ts';
import { Lease, type LeaseOptions, type LeaseState } from './lease.ts';
import type { LeaseConnection } from './lock-session.ts';

export interface ContendersOptions {
  readonly connection: Pick<RegistryConnection, 'ask' | 'urge'>;
  readonly clock: Clock;
  readonly uuid: () => string;
}

export class Contenders implements ConnectionPart {
  readonly #options: ContendersOptions;
  readonly #leases = new Set<Lease>();
  readonly #connection: LeaseConnection;
  #link = 0;
  #pingMs: number | undefined;

  constructor(options: ContendersOptions) {
    this.#options = options;
    const link = () => this.#link;
    const pingMs = () => this.#pingMs;
    this.#connection = {
      ask: (ask, how) => options.connection.ask(ask, how),
      get link() {
        return link();
      },
      get pingMs() {
        return pingMs();
      },
    };
  }

  /** A contender, which is forgotten when it is lost or released. */
  add(options: Omit<LeaseOptions, 'connection' | 'clock' | 'uuid'>): Lease {
    const { clock, uuid, connection } = this.#options;
    const lease: Lease = new Lease({
      ...options,
      ...{ connection: this.#connection, clock, uuid },
      onState: (state: LeaseState) => {
        if (state === 'lost' || state === 'released') this.#leases.delete(lease);
        options.onState(state);
      },
    });
    this.#leases.add(lease);
    connection.urge();
    return lease;
  }

  /** Gives up everything. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#leases, (lease) => lease.close()));
  }

  opened(): void {}

  greeted({ pingMs }: WelcomeFrame): void {
    this.#link++;
    this.#pingMs = pingMs;
    for (const lease of [...this.#leases]) lease.connected();
  }

  pushed(): void {
    // A frame after a pause of the process: the time may be over.
    for (const lease of this.#leases) lease.check();
  }

  lost(): void {
    for (const lease of [...this.#leases]) lease.disconnected();
  }

  refused(): void {}

  closed(): void {}
}
