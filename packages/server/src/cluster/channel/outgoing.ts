/**
 * The requests of one end of a channel: a limited number is in flight, the others wait. The other end gets requests in the
 * order of the calls.
 */

import { RegistryError, type ErrorCode } from '@rollcall/protocol';
import type { Frame } from './frame.ts';

type RequestFrame = Extract<Frame, { kind: 'request' }>;

interface Waiting {
  readonly frame: RequestFrame;
  /** The error when the connection ends after it was sent. */
  readonly whenLost: ErrorCode;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: RegistryError) => void;
}

/** Half of the requests that the other end accepts: the other half is for streams, which are not counted here. */
const inFlightMax = 256;
/** Bytes in flight. A single request is sent whatever its size. */
const inFlightBytesMax = 16_777_216;
/** Requests that may wait, and their bytes. */
const waitingMax = 65_536;
const waitingBytesMax = 134_217_728;

export class Outgoing {
  readonly #send: (frame: Frame) => void;
  readonly #inFlight = new Map<number, Waiting>();
  #waiting: Waiting[] = [];
  #inFlightBytes = 0;
  #waitingBytes = 0;

  constructor(send: (frame: Frame) => void) {
    this.#send = send;
  }

  /** @throws RegistryError (by rejection) `resource_exhausted` when too much waits; the error of `settle` or `fail` */
  call(frame: RequestFrame, whenLost: ErrorCode): Promise<Buffer> {
    if (this.#waiting.length >= waitingMax || this.#waitingBytes + frame.body.length > waitingBytesMax) {
      const message = `${this.#waiting.length} requests with ${this.#waitingBytes} bytes wait for the other node, which is too slow; try again later`;
      return Promise.reject(new RegistryError('resource_exhausted', message));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, whenLost, resolve, reject });
      this.#waitingBytes += frame.body.length;
      this.#sendNext();
    });
  }

  /** An answer or an error. It is dropped if its request is not in flight. */
  settle(id: number, result: Buffer | RegistryError): void {
    const waiting = this.#inFlight.get(id);
    if (waiting === undefined) return;
    this.#inFlight.delete(id);
    this.#inFlightBytes -= waiting.frame.body.length;
    if (result instanceof RegistryError) waiting.reject(result);
    else waiting.resolve(result);
    this.#sendNext();
  }

  /** The connection has ended. */
  fail(error: (code: ErrorCode) => RegistryError): void {
    const sent = [...this.#inFlight.values()];
    const unsent = this.#waiting;
    this.#inFlight.clear();
    this.#waiting = [];
    for (const { reject, whenLost } of sent) reject(error(whenLost));
    for (const { reject } of unsent) reject(error('unavailable'));
  }

  #sendNext(): void {
    let sent = 0;
    for (const next of this.#waiting) {
      const { length } = next.frame.body;
      if (this.#inFlight.size >= inFlightMax) break;
      if (this.#inFlight.size > 0 && this.#inFlightBytes + length > inFlightBytesMax) break;
      sent++;
      this.#inFlight.set(next.frame.id, next);
      this.#inFlightBytes += length;
      this.#waitingBytes -= length;
      this.#send(next.frame);
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }
}
