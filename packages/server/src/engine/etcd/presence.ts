/**
 * Presence in etcd: one key for each node, under one lease of this engine, which is renewed while the process lives. All presences
 * are listed and watched together; while etcd cannot be reached, the last known ones remain.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import type { Held, Presence } from '../presence.ts';
import type { Connection } from './connection.ts';
import { callError, readError } from './errors.ts';
import type { Keys } from './keys.ts';
import { closedError } from './log.ts';
import { methods, type Long, type WatchResponse } from './wire.ts';

const ttlMs = 10_000;
export const renewMs = 3_000;
const callMs = 3_000;

/** Pause before a failed list or renewal is repeated. */
const againMs = 250;

type Loss = 'expired' | 'replaced';

interface Holding {
  readonly nodeId: string;
  readonly lease: Long;
  /** Revision of etcd at which its key was put; a later holder of the same node has a newer one. */
  readonly revision: number;
  readonly lose: (loss: Loss) => void;
  cancelRenewal: () => void;
}

export interface PresenceOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
}

export class EtcdPresence implements Presence {
  readonly ttlMs = ttlMs;
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #holdings = new Set<Holding>();
  readonly #listeners = new Set<(present: ReadonlySet<string>) => void>();
  /** Node ids with the revision of etcd at which each was put; undefined until they were listed. */
  #present: ReadonlyMap<string, number> | undefined;
  /** Revision of etcd to which they belong. */
  #at = 0;
  #following: AbortController | undefined;
  #closed = false;

  constructor({ connection, keys, clock }: PresenceOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  async hold(nodeId: string): Promise<Held> {
    if (this.#closed) throw closedError();
    const { lease, revision } = await this.#grant(nodeId);
    let lose: Holding['lose'] = () => {};
    const lost = new Promise<Loss>((resolve) => (lose = resolve));
    const holding: Holding = { nodeId, lease, revision, lose, cancelRenewal: () => {} };
    this.#holdings.add(holding);
    this.#renewIn(renewMs, holding);
    this.#follow();
    return { lost, release: () => this.#release(holding) };
  }

  watch(listener: (present: ReadonlySet<string>) => void): () => void {
    const own = (present: ReadonlySet<string>) => listener(present);
    this.#listeners.add(own);
    if (this.#present === undefined) this.#follow();
    else {
      setImmediate(() => {
        // The present ones: a change may have been reported meanwhile, and older ones would undo it.
        if (this.#listeners.has(own)) own(new Set(this.#present?.keys()));
      });
    }
    return () => this.#listeners.delete(own);
  }

  /** Releases the presences that this process holds. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#following?.abort();
    await Promise.all([...this.#holdings].map((holding) => this.#release(holding)));
  }

  async #grant(nodeId: string): Promise<{ lease: Long; revision: number }> {
    try {
      const { ID: lease } = await this.#connection.call(methods.leaseGrant, { TTL: ttlMs / 1_000 }, callMs);
      const request = { request_put: { key: this.#keys.presence(nodeId), value: Buffer.of(), lease } };
      const { header } = await this.#connection.call(methods.txn, { success: [request] }, callMs);
      return { lease, revision: header.revision.toNumber() };
    } catch (error) {
      throw readError(callError(error));
    }
  }

  /** Ending the lease removes the key, unless another holder has put it under a lease of its own. */
  async #release(holding: Holding): Promise<void> {
    if (!this.#holdings.delete(holding)) return;
    holding.cancelRenewal();
    await this.#connection.call(methods.leaseRevoke, { ID: holding.lease }, callMs).catch(() => {});
  }

  #lose(holding: Holding, loss: Loss): void {
    if (!this.#holdings.delete(holding)) return;
    holding.cancelRenewal();
    holding.lose(loss);
    if (loss === 'replaced') void this.#connection.call(methods.leaseRevoke, { ID: holding.lease }, callMs).catch(() => {});
  }

  #renewIn(ms: number, holding: Holding): void {
    holding.cancelRenewal = this.#clock.timer(ms, () => void this.#renew(holding));
  }

  async #renew(holding: Holding): Promise<void> {
    let next = renewMs;
    try {
      const seconds = await this.#renewed(holding.lease);
      if (seconds === 0) this.#lose(holding, 'expired');
    } catch {
      // When etcd answers again, it is known whether the lease has ended; if not, it must be renewed soon.
      next = againMs;
    }
    if (this.#holdings.has(holding)) this.#renewIn(next, holding);
  }

  /** @returns seconds that the lease has from now on; 0 when it has ended */
  async #renewed(lease: Long): Promise<number> {
    const stream = await this.#connection.stream(methods.leaseKeepAlive);
    stream.on('error', () => {});
    const cancel = this.#clock.timer(callMs, () => stream.destroy(new Error('no answer')));
    try {
      stream.write({ ID: lease });
      for await (const { TTL: seconds } of stream as AsyncIterable<{ readonly TTL: Long }>) return seconds.toNumber();
      throw new Error('etcd ended the renewal of a lease');
    } finally {
      cancel();
      stream.cancel();
    }
  }

  #follow(): void {
    if (this.#following !== undefined || this.#closed) return;
    const following = new AbortController();
    this.#following = following;
    void this.#followUntil(following.signal);
  }

  async #followUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal);
      } catch {
        // The next list has the missed changes.
      }
      if (!signal.aborted) await new Promise<void>((resolve) => this.#clock.timer(againMs, resolve));
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const { presences: key, presencesEnd: end } = this.#keys;
    const { header, kvs } = await this.#connection.call(methods.range, { key, range_end: end }, callMs);
    const at = header.revision.toNumber();
    // The store was restored from a backup: its revisions cannot be compared with earlier ones.
    const goneBack = at < this.#at;
    this.#take(new Map(kvs.map((kv) => [this.#keys.nodeOf(kv.key), kv.mod_revision.toNumber()])), at, goneBack);
    const stream = await this.#connection.stream(methods.watch);
    const stop = () => stream.destroy();
    signal.addEventListener('abort', stop);
    try {
      if (signal.aborted) return;
      stream.write({ create_request: { key, range_end: end, start_revision: at + 1 } });
      for await (const response of stream as AsyncIterable<WatchResponse>) this.#takeEvents(response);
    } finally {
      signal.removeEventListener('abort', stop);
      stream.on('error', () => {});
      stream.cancel();
    }
  }

  #takeEvents({ header, canceled, cancel_reason: reason, events }: WatchResponse): void {
    if (canceled) throw new RegistryError('unavailable', reason);
    if (events.length === 0) return;
    const present = new Map(this.#present);
    for (const { type, kv } of events) {
      const nodeId = this.#keys.nodeOf(kv.key);
      if (type === 0) present.set(nodeId, kv.mod_revision.toNumber());
      else present.delete(nodeId);
    }
    this.#take(present, header.revision.toNumber());
  }

  #take(present: ReadonlyMap<string, number>, at: number, goneBack = false): void {
    const before = this.#present;
    this.#present = present;
    this.#at = at;
    for (const holding of [...this.#holdings]) {
      const revision = present.get(holding.nodeId);
      if (revision === undefined) {
        if (goneBack || at > holding.revision) this.#lose(holding, 'expired');
      } else if (revision > holding.revision) this.#lose(holding, 'replaced');
    }
    if (before !== undefined && before.size === present.size && [...present.keys()].every((nodeId) => before.has(nodeId))) return;
    const ids = new Set(present.keys());
    for (const listener of [...this.#listeners]) listener(ids);
  }
}
