/**
 * What is still to be told to one peer. For each instance it remembers only what kind of news there is; the message is made when it is
 * sent, from the newest state, so that many changes of one instance are one message. Bounded: beyond the limit it says that a
 * comparison with the whole registry of the peer is needed.
 */

import type { InstanceName, NewsKind } from './news.ts';

/** Instances with news. */
export const pendingMax = 65_536;

export interface Pending {
  readonly name: InstanceName;
  readonly kinds: Set<NewsKind>;
}

export class Outbox {
  readonly #pending = new Map<string, Pending>();
  #overflown = false;

  get size(): number {
    return this.#pending.size;
  }

  /** Whether news were dropped since the last `clear`. */
  get overflown(): boolean {
    return this.#overflown;
  }

  add(name: InstanceName, kind: NewsKind): void {
    const key = `${name.app}\0${name.id}`;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      if (this.#pending.size >= pendingMax) {
        this.#overflown = true;
        return;
      }
      this.#pending.set(key, (pending = { name, kinds: new Set() }));
    }
    // An instance that comes back after its removal is registered anew, which needs no removal before it.
    if (kind === 'register') pending.kinds.delete('cancel');
    if (kind === 'cancel') pending.kinds.clear();
    pending.kinds.add(kind);
  }

  /** Whether its removal waits. */
  removes({ app, id }: InstanceName): boolean {
    return this.#pending.get(`${app}\0${id}`)?.kinds.has('cancel') === true;
  }

  /** Takes out the oldest ones. */
  take(countMax: number): Pending[] {
    const taken: Pending[] = [];
    for (const [key, pending] of this.#pending) {
      if (taken.length >= countMax) break;
      this.#pending.delete(key);
      taken.push(pending);
    }
    return taken;
  }

  /** Puts back what could not be sent; newer news stay. */
  putBack(taken: readonly Pending[]): void {
    for (const { name, kinds } of taken) {
      const newer = this.#pending.get(`${name.app}\0${name.id}`);
      if (newer?.kinds.has('cancel') === true || (newer?.kinds.has('register') === true && kinds.has('cancel'))) continue;
      for (const kind of kinds) this.add(name, kind);
    }
  }

  /** Forgets everything that a comparison with the peer's registry finds out anyhow: all but removals. */
  keepRemovals(): void {
    this.#overflown = false;
    for (const [key, { kinds }] of this.#pending) if (!kinds.has('cancel')) this.#pending.delete(key);
  }
}
