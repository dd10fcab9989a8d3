/**
 * One of the two servers of a bridge: keeps a connection to one of its addresses, with one session for as long as the server keeps it.
 * It gives a new view with each connection; it reads and writes nothing by itself.
 */

import { isRegistryError, type RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { openConnection, type Connection, type ConnectionOptions } from './connection.ts';
import { View } from './view.ts';

export interface Credential {
  readonly scheme: string;
  readonly data: string;
}

export interface SideOptions {
  /** For messages, such as `ZooKeeper`. */
  readonly name: string;
  /** One or more; the next one is tried when a connection ends. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly tls: ConnectionOptions['tls'];
  /** Shown to the server on each connection. */
  readonly credential: Credential | undefined;
  readonly marksRoot: string;
  readonly clock: Clock;
  /** A watch has told of a change at this path. */
  readonly onChange: (side: Side, path: string) => void;
  readonly onConnected: (side: Side) => void;
  /** Called once for each lost connection, and once when no address answers. */
  readonly onLost: (side: Side, reason: string) => void;
}

const sessionMs = 10_000;

/** Between two tries, in milliseconds: doubled from the first to the last. */
const retryMs = { first: 100, last: 5_000 };

export class Side {
  readonly name: string;
  readonly #options: SideOptions;
  #connection: Connection | undefined;
  #view: View | undefined;
  #session: ConnectionOptions['session'];
  #lastZxid = 0;
  #stopped = false;
  #wake = (): void => {};

  constructor(options: SideOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Undefined while there is no connection. */
  get view(): View | undefined {
    return this.#view;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Connects again and again until `stop`. */
  async run(): Promise<void> {
    const { addresses, onLost } = this.#options;
    let waitMs = retryMs.first;
    let told = false;
    for (let at = 0; !this.#stopped; at++) {
      const address = addresses[at % addresses.length];
      if (address === undefined) return;
      try {
        const connection = await this.#open(address);
        told = false;
        waitMs = retryMs.first;
        onLost(this, (await this.#serve(connection)).message);
      } catch (error) {
        // The session is gone: the next connection asks for a new one.
        if (isRegistryError(error, 'failed_precondition') && this.#session !== undefined) {
          this.#session = undefined;
          continue;
        }
        if (!told) onLost(this, (error as Error).message);
        told = true;
      }
      if (this.#stopped) return;
      await this.#pause(waitMs);
      if (at % addresses.length === addresses.length - 1) waitMs = Math.min(waitMs * 2, retryMs.last);
    }
  }

  /** Ends the session, and with it what belongs to it: the lease, but nothing that was mirrored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#connection?.close();
  }

  async #open({ host, port }: { readonly host: string; readonly port: number }): Promise<Connection> {
    const { tls, clock, onChange, credential } = this.#options;
    const connection = await openConnection({
      ...{ host, port, tls, clock, timeoutMs: sessionMs, session: this.#session, lastZxidSeen: this.#session === undefined ? 0 : this.#lastZxid },
      onNotification: ({ path }) => onChange(this, path),
    });
    if (credential === undefined) return connection;
    const { err } = await connection.request('auth', { type: 0, scheme: credential.scheme, auth: Buffer.from(credential.data) });
    if (err === 0) return connection;
    connection.destroy();
    throw new Error(`${this.name} at ${host}:${port} refuses the credentials (${credential.scheme})`);
  }

  async #serve(connection: Connection): Promise<RegistryError> {
    this.#session = { id: connection.sessionId, password: connection.password };
    this.#connection = connection;
    this.#view = new View(connection, this.#options.marksRoot);
    if (this.#stopped) await connection.close();
    else this.#options.onConnected(this);
    const reason = await connection.ended;
    this.#lastZxid = connection.lastZxid;
    this.#connection = undefined;
    this.#view = undefined;
    return reason;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.timer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
