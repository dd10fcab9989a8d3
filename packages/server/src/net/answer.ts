/**
 * The response class of every request. It handles the body of a request that is answered before the body was read:
 * otherwise the rest of the body would stand before the next request of the connection.
 *
 * A short rest is read and dropped, and the connection stays open. After a long rest the answer has `Connection: close`, and the
 * connection ends once the client has had time to read it. `Expect: 100-continue` is answered when the body gets its first
 * reader, so that a client whose request is refused does not send its body.
 */

import { ServerResponse, type IncomingMessage } from 'node:http';
import { markLeaving, type Linger } from './linger.ts';

/** Reading this much costs less than a new connection (Go's `net/http` takes the same number). */
const droppedBytesMax = 262_144;

export type AnswerClass = typeof ServerResponse<IncomingMessage> & (new (request: IncomingMessage) => Answer);

export interface Answer extends ServerResponse {
  /** Whether the client waits for `100 Continue` before it sends its body. */
  holdContinue(): void;
  /** Closes the connection after this answer. Call it before the head is written. */
  endConnection(): void;
}

/** @param linger closes connections that cannot be used for another request */
export function answerClass(linger: Linger): AnswerClass {
  return class extends ServerResponse implements Answer {
    #awaitsContinue = false;
    #bodyIsLeft = false;

    holdContinue(): void {
      const { req } = this;
      this.#awaitsContinue = true;
      req.on('newListener', (event: string | symbol) => {
        if (!this.#awaitsContinue || (event !== 'data' && event !== 'readable')) return;
        this.#awaitsContinue = false;
        this.writeContinue();
      });
    }

    endConnection(): void {
      const { socket } = this.req;
      this.shouldKeepAlive = false;
      markLeaving(socket);
      // Node would close both directions at once after the last answer.
      socket.destroySoon = () => linger(socket);
    }

    override writeHead(...head: unknown[]): this {
      if (!this.req.complete && !this.#bodyIsLeft) this.#leaveBody();
      // Sets the header and the property together.
      return super.writeHead(...(head as [status: number]));
    }

    #leaveBody(): void {
      const { req } = this;
      const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
      if (coding === undefined && (length === undefined || length === '0')) return;
      this.#bodyIsLeft = true;
      // Without `100 Continue`, the client may send the body or not, so the next bytes may be either.
      if (this.#awaitsContinue || length === undefined || Number(length) > droppedBytesMax) this.endConnection();
      this.#awaitsContinue = false;
      this.once('finish', () => {
        // A reader that has stopped in the middle has paused the connection.
        for (const event of ['data', 'readable']) req.removeAllListeners(event);
        req.resume();
      });
    }
  };
}
