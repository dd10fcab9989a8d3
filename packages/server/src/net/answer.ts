/**
 * The response of every request: takes care of a body that the answer did not wait for. Left alone, such a body
 * would stand before the next request of the connection, and that would never be read.
 *
 * A short rest is read and dropped, and the connection stays. Otherwise the answer says `Connection: close`, and the
 * connection ends once the client has had time to read it. `Expect: 100-continue` is answered when the first
 * reader of the body appears, so that a client whose request is refused does not send its body at all.
 */

import { ServerResponse, type IncomingMessage } from 'node:http';
import { markLeaving, type Linger } from './linger.ts';

/** Reading this much costs less than a new connection (Go's `net/http` takes the same number). */
const droppedBytesMax = 262_144;

export type AnswerClass = typeof ServerResponse<IncomingMessage> & (new (request: IncomingMessage) => Answer);

export interface Answer extends ServerResponse {
  /** The client waits for a word before it sends its body. */
  holdContinue(): void;
  /** Makes this the connection's last answer, whatever the client has sent behind its request. To be called before the head. */
  endConnection(): void;
}

/** @param linger ends connections that cannot go on */
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
      // Node would close both sides of the connection at once after its last answer.
      socket.destroySoon = () => linger(socket);
    }

    override writeHead(...head: unknown[]): this {
      if (!this.req.complete && !this.#bodyIsLeft) this.#leaveBody();
      // All of its forms at once.
      return super.writeHead(...(head as [status: number]));
    }

    #leaveBody(): void {
      const { req } = this;
      const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
      if (coding === undefined && (length === undefined || length === '0')) return;
      this.#bodyIsLeft = true;
      // A client that was not told to go on may send the body or not: nothing tells which.
      if (this.#awaitsContinue || length === undefined || Number(length) > droppedBytesMax) this.endConnection();
      this.#awaitsContinue = false;
      this.once('finish', () => {
        // A reader that has stopped half way keeps the connection from being read.
        for (const event of ['data', 'readable']) req.removeAllListeners(event);
        req.resume();
      });
    }
  };
}
