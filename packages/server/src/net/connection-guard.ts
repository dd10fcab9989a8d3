/**
 * Limits the open connections of all listeners together, and those of one client address, so that one client cannot shut
 * out all others. It does not look at the bytes of a connection.
 *
 * Loopback and Unix sockets have no limit for one address: a proxy on this machine has the connections of many clients, and a
 * program on this machine has simpler ways to exhaust it.
 */

import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Limits } from '../options.ts';
import { addressKey } from '../security/failure-limiter.ts';
import { isLoopbackHost } from './bind-policy.ts';

export type Refusal = 'total' | 'address';

export interface GuardOptions {
  readonly limits: Pick<Limits, 'connectionsMax' | 'connectionsPerAddressMax'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called for each refused connection. */
  readonly onRefused?: (reason: Refusal) => void;
}

/** A flood of connections must not fill the log as well. */
const logEveryMs = 1_000;

export class ConnectionGuard {
  readonly #options: GuardOptions;
  readonly #byAddress = new Map<string, number>();
  #open = 0;
  #loggedAtMs = -Infinity;
  #unlogged = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#open;
  }

  /** @returns whether the connection may stay; otherwise it is closed, without an answer */
  admit(socket: Socket): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.#options.limits;
    const key = limitedKey(socket.remoteAddress);
    const before = key === undefined ? 0 : (this.#byAddress.get(key) ?? 0);
    if (this.#open >= connectionsMax) return this.#refuse(socket, 'total', connectionsMax);
    if (before >= connectionsPerAddressMax) return this.#refuse(socket, 'address', connectionsPerAddressMax);
    this.#open++;
    if (key !== undefined) this.#byAddress.set(key, before + 1);
    socket.once('close', () => this.#leave(key));
    return true;
  }

  #leave(key: string | undefined): void {
    this.#open--;
    if (key === undefined) return;
    const left = (this.#byAddress.get(key) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }

  #refuse(socket: Socket, reason: Refusal, limit: number): false {
    const { clock, log, onRefused } = this.#options;
    const address = socket.remoteAddress;
    socket.destroy();
    onRefused?.(reason);
    const nowMs = clock.monotonic();
    if (nowMs - this.#loggedAtMs < logEveryMs) {
      this.#unlogged++;
      return false;
    }
    const whose = reason === 'total' ? 'are open' : 'are open from its address';
    log.warn({ address, limit, unlogged: this.#unlogged }, `connection refused: too many ${whose}`);
    this.#loggedAtMs = nowMs;
    this.#unlogged = 0;
    return false;
  }
}

/** Undefined for clients without a limit per address. */
function limitedKey(address: string | undefined): string | undefined {
  return address === undefined || isLoopbackHost(address) ? undefined : addressKey(address);
}
