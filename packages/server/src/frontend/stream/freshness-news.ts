/**
 * Tells all open streams that this node does not follow its store any more, or follows it again; spread over turns of the event
 * loop like every other push. A stream that opens meanwhile learns it from its welcome.
 */

import type { FreshnessFrame } from '@rollcall/protocol';
import type { Registry } from '../../registry/registry.ts';
import type { FanOut, Pass } from '../../net/fan-out.ts';
import { frameText, type Message } from './wire.ts';

/** A stream, as far as it is told. */
export interface Told {
  /** Sends a message to a client that has had its welcome. */
  push(message: Message): void;
}

export class FreshnessNews implements Pass {
  readonly #registry: Registry;
  readonly #streams: ReadonlySet<Told>;
  readonly #fanOut: FanOut;
  readonly #unwatch: () => void;
  #message: Message = [];
  #left: Iterator<Told> = [].values();

  constructor(registry: Registry, streams: ReadonlySet<Told>, fanOut: FanOut) {
    this.#registry = registry;
    this.#streams = streams;
    this.#fanOut = fanOut;
    this.#unwatch = registry.watchStaleness(() => this.#tell());
  }

  advance(budget: number): number {
    for (let left = budget; left > 0; left--) {
      const { value, done } = this.#left.next();
      if (done === true) return left;
      value.push(this.#message);
    }
    return 0;
  }

  close(): void {
    this.#unwatch();
    this.#fanOut.cancel(this);
  }

  #tell(): void {
    const frame: FreshnessFrame = { type: 'freshness', staleMs: this.#registry.staleMs };
    this.#message = frameText(JSON.stringify(frame));
    this.#left = this.#streams.values();
    this.#fanOut.schedule(this);
  }
}
