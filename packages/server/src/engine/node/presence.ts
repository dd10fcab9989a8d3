/**
 * Presence through the primary: a node is present while its connection lasts, and for a short time after, in which it connects
 * again. After that the primary treats it as dead, and reports this when it comes back.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Link } from '../../cluster/channel/link.ts';
import { decodePresent, type HoldItem } from '../../cluster/channel/serve-presence.ts';
import type { Held, Presence } from '../presence.ts';

type Loss = Awaited<Held['lost']>;

export class NodePresence implements Presence {
  /** A silent connection is cut after 5 s; then the primary waits 1.5 s and needs one or two turns. */
  readonly ttlMs = 10_000;
  readonly #link: Link;
  readonly #closed: AbortSignal;
  readonly #holding = new Set<Promise<void>>();

  constructor(link: Link, closed: AbortSignal) {
    this.#link = link;
    this.#closed = closed;
  }

  async hold(nodeId: string): Promise<Held> {
    if (this.#closed.aborted) throw new RegistryError('unavailable', 'the engine is closed');
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closed]);
    let lose: (loss: Loss) => void = () => {};
    const lost = new Promise<Loss>((resolve) => (lose = resolve));
    const first = this.#once(nodeId, signal);
    const { value } = await first.next();
    if (value === undefined) throw new RegistryError('unavailable', 'the primary has ended the presence of this node');
    const keeping = this.#keep(nodeId, first, signal).then((loss) => loss && lose(loss));
    const held = keeping.then(() => {});
    this.#holding.add(held);
    void held.then(() => this.#holding.delete(held));
    return {
      lost,
      async release() {
        stop.abort();
        await held;
      },
    };
  }

  watch(listener: (present: ReadonlySet<string>) => void): () => void {
    const stop = new AbortController();
    void this.#watch(listener, AbortSignal.any([stop.signal, this.#closed]));
    return () => stop.abort();
  }

  /** Resolves when the primary knows that the presence is released; closing the engine releases all. */
  async released(): Promise<void> {
    await Promise.all(this.#holding);
  }

  async *#once(nodeId: string, signal: AbortSignal): AsyncGenerator<HoldItem, void, undefined> {
    for await (const item of this.#link.stream('presence-hold', Buffer.from(nodeId), signal)) yield item.toString() as HoldItem;
  }

  /** @returns how the presence was lost; undefined when it was released */
  async #keep(nodeId: string, first: AsyncGenerator<HoldItem>, signal: AbortSignal): Promise<Loss | undefined> {
    let items = first;
    for (;;) {
      try {
        for await (const item of items) {
          if (item === 'expired' || item === 'replaced') return item;
          // The primary had treated this node as dead before it came back.
          if (items !== first && item === 'held') return 'expired';
        }
      } catch (error) {
        if (!isRegistryError(error, 'unavailable')) return 'expired';
        // The connection is lost: the presence is held again below.
      }
      if (!(await this.#link.connected(signal))) return undefined;
      items = this.#once(nodeId, signal);
    }
  }

  async #watch(listener: (present: ReadonlySet<string>) => void, signal: AbortSignal): Promise<void> {
    while (await this.#link.connected(signal)) {
      try {
        for await (const item of this.#link.stream('presence-watch', Buffer.of(), signal)) {
          if (!signal.aborted) listener(decodePresent(item));
        }
      } catch (error) {
        if (!isRegistryError(error, 'unavailable')) return;
        // The connection is lost: the other presences are unknown until it is back.
      }
    }
  }
}
