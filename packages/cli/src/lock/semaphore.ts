/**
 * A lock with several holders, in the form of Consul's clients: `PREFIX/.lock` lists the holders, and each contender
 * holds `PREFIX/SESSION`, so that the others see when one dies
 * (https://developer.hashicorp.com/consul/tutorials/developer-configuration/distributed-semaphore, `api/semaphore.go`).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, exitCodes } from '../failure.ts';
import { deadline, lockKey, retryMs, waitUntil, watching, type Claim, type ClaimOptions } from './lock.ts';
import type { HeldKey } from './lock-store.ts';

/** Flag of Consul by which clients distinguish a semaphore from a lock. */
const semaphoreFlags = 0xe0f69a2baa414de0n;

/** Lost races for the list before the command stops trying to leave it; others write it seldom. */
const leaveTriesMax = 10;

/** The value of `PREFIX/.lock`. */
interface Holders {
  readonly Limit: number;
  readonly Holders: Readonly<Record<string, boolean>>;
}

export class Semaphore implements Claim {
  readonly #options: ClaimOptions;
  readonly #limit: number;
  readonly #list: string;
  readonly #own: string;

  /** @param limit number of sessions that may hold it at once; the same for all clients of the prefix */
  constructor(options: ClaimOptions, limit: number) {
    this.#options = options;
    this.#limit = limit;
    this.#list = lockKey(options.prefix);
    this.#own = this.#list.replace(/\.lock$/, options.session.id);
  }

  async take(): Promise<boolean> {
    const { store, session, signal, timeoutMs } = this.#options;
    const until = deadline(timeoutMs);
    while (!(await store.write(this.#own, { flags: semaphoreFlags, acquire: session.id }))) {
      if (performance.now() >= until) return false;
      await sleep(retryMs, undefined, { signal });
    }
    let index: string | undefined;
    for (;;) {
      const found = await this.#look({ index, signal, ...waitUntil(until) });
      index = found.index;
      const { holders, revision } = this.#holders(found.keys);
      if (holders.includes(session.id)) return true;
      if (holders.length < this.#limit) {
        // After a lost race, it reads the list again.
        if (await this.#write([...holders, session.id], revision)) return true;
        index = undefined;
      }
      if (performance.now() >= until) return false;
    }
  }

  watch(): Promise<string> {
    const { session, monitorRetries, signal } = this.#options;
    let index: string | undefined;
    return watching({ retries: monitorRetries, signal }, async () => {
      const found = await this.#look({ index, signal });
      index = found.index;
      return this.#holders(found.keys).holders.includes(session.id);
    });
  }

  async release(): Promise<void> {
    const { store, session } = this.#options;
    try {
      await this.#leave(session.id);
    } finally {
      await store.remove(this.#own);
    }
    const { keys } = await this.#look({ signal: AbortSignal.timeout(10_000) });
    const { holders, revision } = this.#holders(keys);
    if (holders.length === 0 && revision !== '0') await store.remove(this.#list, revision);
  }

  async #leave(session: string): Promise<void> {
    for (let tries = 0; tries < leaveTriesMax; tries++) {
      const { keys } = await this.#look({ signal: AbortSignal.timeout(10_000) });
      const { holders, revision } = this.#holders(keys);
      const left = holders.filter((holder) => holder !== session);
      if (left.length === holders.length || (await this.#write(left, revision))) return;
    }
  }

  #look(options: { index?: string | undefined; waitSeconds?: number; signal: AbortSignal }) {
    return this.#options.store.look(this.#list.replace(/\.lock$/, ''), { recurse: true, ...options });
  }

  #write(holders: readonly string[], revision: string): Promise<boolean> {
    const list: Holders = { Limit: this.#limit, Holders: Object.fromEntries(holders.map((holder) => [holder, true])) };
    return this.#options.store.write(this.#list, { value: JSON.stringify(list), flags: semaphoreFlags, cas: revision });
  }

  /** Holders whose sessions exist; revision 0 without a list. @throws CommandFailure when the key has other content */
  #holders(keys: readonly HeldKey[]): { holders: string[]; revision: string } {
    const list = keys.find(({ key }) => key === this.#list);
    if (list === undefined) return { holders: [], revision: '0' };
    const { Limit, Holders: all } = this.#read(list);
    if (Limit !== this.#limit) {
      throw new CommandFailure(exitCodes.failure, `others use ${JSON.stringify(this.#options.prefix)} with -n ${Limit}, not ${this.#limit}; all must use the same`);
    }
    const alive = new Set(keys.map(({ session }) => session).filter((session) => session !== ''));
    return { holders: Object.keys(all).filter((holder) => alive.has(holder)), revision: list.revision };
  }

  #read({ key, flags, value }: HeldKey): Holders {
    try {
      const list = JSON.parse(value) as Partial<Holders>;
      if (flags === String(semaphoreFlags) && typeof list.Limit === 'number') return { Limit: list.Limit, Holders: list.Holders ?? {} };
    } catch {
      // Reported below.
    }
    throw new CommandFailure(exitCodes.failure, `the key ${JSON.stringify(key)} is no semaphore; use another prefix`);
  }
}
