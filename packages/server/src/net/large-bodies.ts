/** Sends bodies of several buffers, and counts the memory that they occupy while clients receive them. */

import type { ServerResponse } from 'node:http';
import type { Body } from './answers.ts';
import type { BodySender } from './body-sender.ts';
import type { AnswerMemory } from './answer-memory.ts';

export class LargeBodies {
  readonly #memory: AnswerMemory;
  readonly #sender: BodySender;
  /** Number of clients that receive each body now. */
  readonly #takers = new Map<Body, number>();

  constructor(memory: AnswerMemory, sender: BodySender) {
    this.#memory = memory;
    this.#sender = sender;
  }

  /** @param begin writes the head */
  send(response: ServerResponse, begin: () => void, body: Body): void {
    // The response of a disconnected client is closed already.
    if (response.destroyed || response.closed) return;
    const takers = this.#takers.get(body) ?? 0;
    if (takers === 0) this.#memory.add(body.bytes);
    this.#takers.set(body, takers + 1);
    response.once('close', () => this.#release(body));
    this.#sender.send(response, begin, body);
  }

  #release(body: Body): void {
    const takers = this.#takers.get(body) ?? 0;
    if (takers > 1) {
      this.#takers.set(body, takers - 1);
      return;
    }
    this.#takers.delete(body);
    this.#memory.add(-body.bytes);
  }
}
