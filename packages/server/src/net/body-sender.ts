/**
 * Sends bodies of several buffers, and one body to many clients: no faster than each client reads it, and little enough in a turn
 * of the event loop that heartbeats do not wait for ten thousand clients of one large answer.
 */

import type { ServerResponse } from 'node:http';
import type { Body } from './answers.ts';

/** Writes in one turn: some 3 ms of copying into sockets, with buffers of 64 KiB. */
const writesPerTurn = 64;

interface Sending {
  readonly response: ServerResponse;
  /** Writes the head. */
  readonly begin: () => void;
  readonly body: Body;
  /** Index of the next buffer; at 0, the head has not been sent. */
  at: number;
}

export class BodySender {
  readonly #later: (run: () => void) => void;
  readonly #ready: Sending[] = [];
  #left = writesPerTurn;
  #scheduled = false;

  /** @param later calls a function in the next turn of the event loop */
  constructor(later: (run: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /**
   * Sends a body, and keeps it until the client has read it.
   * @param begin writes the head; called before the first write; never for a client that is gone
   */
  send(response: ServerResponse, begin: () => void, body: Body): void {
    const sending = { response, begin, body, at: 0 };
    if (this.#left > 0 && this.#ready.length === 0) this.#write(sending);
    else this.#ready.push(sending);
    this.#schedule();
  }

  #write(sending: Sending): void {
    const { response, begin, body } = sending;
    if (response.destroyed || response.closed) return;
    this.#left--;
    if (sending.at === 0) begin();
    const { buffers } = body;
    const buffer = buffers[sending.at++];
    if (sending.at >= buffers.length) {
      response.end(buffer);
      return;
    }
    if (response.write(buffer)) this.#ready.push(sending);
    else {
      response.once('drain', () => {
        this.#ready.push(sending);
        this.#schedule();
      });
    }
  }

  #schedule(): void {
    if (this.#scheduled || (this.#ready.length === 0 && this.#left === writesPerTurn)) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#left = writesPerTurn;
      while (this.#left > 0) {
        const sending = this.#ready.shift();
        if (sending === undefined) break;
        this.#write(sending);
      }
      this.#schedule();
    });
  }
}
