/** Sends bodies of several buffers, and counts the memory that they keep for as long as a client takes one. */

import type { ServerResponse } from 'node:http';
import type { Body } from '../../../net/answers.ts';
import type { Outlet } from '../../../net/outlet.ts';
import type { Space } from '../../../net/room.ts';

export class LargeBodies {
  readonly #space: Space;
  readonly #outlet: Outlet;
  /** How many take each of them now. */
  readonly #takers = new Map<Body, number>();

  constructor(space: Space, outlet: Outlet) {
    this.#space = space;
    this.#outlet = outlet;
  }

  /** @param begin writes the head */
  send(response: ServerResponse, begin: () => void, body: Body): void {
    // One that is gone has told so already.
    if (response.destroyed || response.closed) return;
    const takers = this.#takers.get(body) ?? 0;
    if (takers === 0) this.#space.add(body.bytes);
    this.#takers.set(body, takers + 1);
    response.once('close', () => this.#release(body));
    this.#outlet.send(response, begin, body);
  }

  #release(body: Body): void {
    const takers = this.#takers.get(body) ?? 0;
    if (takers > 1) {
      this.#takers.set(body, takers - 1);
      return;
    }
    this.#takers.delete(body);
    this.#space.add(-body.bytes);
  }
}
