/**
 * One end of an open connection between two nodes. Both ends ask and answer: a method gives one answer, or a stream of items.
 * It knows frames and limits, but not the meaning of bodies, and does not connect again: that is `link.ts`.
 *
 *   call ─► waiting ─► in flight (limited in number and bytes) ─► answer, refusal, or the end of the connection
 *
 * The sender of a stream is at most `windowBytes` ahead of its reader.
 */

import type { Socket } from 'node:net';
import { RegistryError, toRegistryError, type ErrorCode } from '@rollcall/protocol';
import type { WebSocket } from 'ws';
import type { Clock } from '../../clock.ts';
import { BadMessage } from './bytes.ts';
import { decodeFrame, encodeFrame, messageBytesMax, type Frame } from './frame.ts';
import { Outgoing } from './outgoing.ts';
import { Intake, Window, windowBytes } from './window.ts';

/**
 * Serves the requests of the other end. A body that is not a message of the method throws `BadMessage`, which ends the
 * connection. Its signal aborts when the asker has cancelled, with the reason `cancelled`, or the connection has ended.
 */
export type Method =
  | { readonly kind: 'answer'; readonly run: (body: Buffer, signal: AbortSignal) => Promise<Buffer> }
  | { readonly kind: 'stream'; readonly run: (body: Buffer, signal: AbortSignal) => AsyncIterable<Buffer> };

export type Methods = Readonly<Record<string, Method>>;

export interface PeerOptions {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly clock: Clock;
  /** What the other end may ask now. */
  readonly methods: () => Methods;
  /** Every other method is refused until this one has been answered. */
  readonly first?: string;
  /** Called once. @param onPurpose whether an end has closed the connection, and not a fault */
  readonly onClosed: (reason: string, onPurpose: boolean) => void;
}

export interface CallOptions {
  /** The error when the connection ends after the request was sent; `unavailable` by default. */
  readonly whenLost?: ErrorCode;
}

/** The reason of a method's signal when the asker has cancelled; with any other reason the connection has ended. */
export const cancelled = Symbol('cancelled');

/** Requests of the other end that may be in work; a well-behaved end sends fewer. */
const servingMax = 512;

/** Pause between two looks for a sign of life, and between pings. */
const lookMs = 1_000;

/**
 * The connection is cut after this many looks in a row without one, within 4 to 5 s. A stall of this process counts as one
 * look.
 */
const quietMax = 4;

/** Of the WebSocket (RFC 6455 §7.4.1): an end closes the connection on purpose; the other end broke the protocol. */
const goingAway = 1001;
const protocolError = 1002;

export class Peer {
  readonly #options: PeerOptions;
  readonly #outgoing: Outgoing;
  readonly #intakes = new Map<number, Intake>();
  readonly #serving = new Map<number, { readonly abort: AbortController; readonly window: Window | undefined }>();
  #ids = 0;
  #greeted: boolean;
  #closed: string | undefined;
  #bytesRead = 0;
  #quiet = 0;
  #cancelLook = () => {};

  constructor(options: PeerOptions) {
    const { webSocket, first } = options;
    this.#options = options;
    this.#greeted = first === undefined;
    this.#outgoing = new Outgoing((frame) => this.#send(frame));
    webSocket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    webSocket.on('close', (code, reason) => this.#ended(reason.length > 0 ? reason.toString() : `the connection was closed (${code})`, code === goingAway));
    // `ws` closes the connection after a bad frame.
    webSocket.on('error', (error) => this.#ended(error.message));
    this.#lookAgain();
  }

  get open(): boolean {
    return this.#closed === undefined;
  }

  /**
   * @throws RegistryError with which the other end refuses; `unavailable` when the connection ends before the request was sent,
   *   and `whenLost` after; `resource_exhausted` when too many requests wait; `unimplemented` when the other end does not know
   *   the method
   */
  call(method: string, body: Buffer, { whenLost = 'unavailable' }: CallOptions = {}): Promise<Buffer> {
    if (this.#closed !== undefined) return Promise.reject(lost('unavailable', this.#closed));
    if (body.length > messageBytesMax - 1_024) {
      const message = `a request of ${body.length} bytes does not fit into a message between nodes, the limit is ${messageBytesMax}`;
      return Promise.reject(new RegistryError('invalid_argument', message));
    }
    return this.#outgoing.call({ kind: 'request', id: ++this.#ids, method, body }, whenLost);
  }

  /**
   * The items of a stream; ends when the other end ends it, or `signal` aborts.
   * @throws RegistryError (from the iteration) as `call`
   */
  async *stream(method: string, body: Buffer, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    if (signal.aborted) return;
    if (this.#closed !== undefined) throw lost('unavailable', this.#closed);
    const id = ++this.#ids;
    const intake = new Intake((bytes) => this.#send({ kind: 'read', id, bytes }));
    const onAbort = () => intake.stop();
    signal.addEventListener('abort', onAbort);
    this.#intakes.set(id, intake);
    this.#send({ kind: 'request', id, method, body });
    try {
      yield* intake.items();
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (this.#intakes.delete(id)) this.#send({ kind: 'cancel', id });
    }
  }

  /** Ends the connection; requests in flight fail. */
  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#options.webSocket.close(goingAway, reason.slice(0, 100));
    this.#ended(reason, true);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#closed !== undefined) return;
    try {
      if (!isBinary) throw new Error('a message is text, and must be binary');
      this.#take(decodeFrame(data));
    } catch (error) {
      this.#broken(error);
    }
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case 'request':
        this.#serve(frame);
        return;
      case 'answer':
      case 'refusal':
        this.#settle(frame);
        return;
      case 'item':
        this.#intakes.get(frame.id)?.take(frame.body);
        return;
      case 'read':
        this.#serving.get(frame.id)?.window?.widen(frame.bytes);
        return;
      case 'cancel':
        this.#serving.get(frame.id)?.abort.abort(cancelled);
    }
  }

  #settle(frame: Extract<Frame, { kind: 'answer' | 'refusal' }>): void {
    const error = frame.kind === 'refusal' ? new RegistryError(frame.code, frame.message) : undefined;
    const intake = this.#intakes.get(frame.id);
    if (intake !== undefined) {
      this.#intakes.delete(frame.id);
      intake.end(error);
    } else this.#outgoing.settle(frame.id, error ?? (frame as { readonly body: Buffer }).body);
  }

  #serve({ id, method: name, body }: Extract<Frame, { kind: 'request' }>): void {
    const { first } = this.#options;
    const methods = this.#options.methods();
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (this.#serving.has(id)) throw new Error(`request ${id} is still in work`);
    if (!this.#greeted && name !== first) this.#refuse(id, 'failed_precondition', `the first request must be ${first}`);
    else if (method === undefined) this.#refuse(id, 'unimplemented', `this node does not know the request ${JSON.stringify(name.slice(0, 100))}`);
    else if (this.#serving.size >= servingMax) this.#refuse(id, 'resource_exhausted', `${servingMax} requests are in work, which is the limit`);
    else void this.#run(id, name, method, body);
  }

  async #run(id: number, name: string, method: Method, body: Buffer): Promise<void> {
    const abort = new AbortController();
    const window = method.kind === 'stream' ? new Window() : undefined;
    this.#serving.set(id, { abort, window });
    try {
      const answer =
        method.kind === 'answer'
          ? await method.run(body, abort.signal)
          : await this.#feed(id, method.run(body, abort.signal), window as Window, abort.signal);
      if (name === this.#options.first) this.#greeted = true;
      this.#send({ kind: 'answer', id, body: answer });
    } catch (error) {
      if (error instanceof BadMessage) this.#broken(error);
      else {
        const { code, message } = toRegistryError(error);
        this.#refuse(id, code, message);
      }
    } finally {
      this.#serving.delete(id);
    }
  }

  /** Sends the items of a stream as far as its reader takes them. */
  async #feed(id: number, items: AsyncIterable<Buffer>, window: Window, signal: AbortSignal): Promise<Buffer> {
    const onAbort = () => window.widen(windowBytes);
    signal.addEventListener('abort', onAbort);
    for await (const body of items) {
      while (!window.open && !signal.aborted) await window.widened();
      if (signal.aborted) break;
      window.sent(body.length);
      this.#send({ kind: 'item', id, body });
    }
    return Buffer.alloc(0);
  }

  #refuse(id: number, code: ErrorCode, message: string): void {
    this.#send({ kind: 'refusal', id, code, message });
  }

  #send(frame: Frame): void {
    if (this.#closed === undefined) this.#options.webSocket.send(encodeFrame(frame));
  }

  #broken(error: unknown): void {
    if (this.#closed !== undefined) return;
    const { message } = toRegistryError(error);
    this.#options.webSocket.close(protocolError, message.slice(0, 100));
    this.#ended(message);
  }

  #lookAgain(): void {
    this.#cancelLook = this.#options.clock.timer(lookMs, () => this.#look());
  }

  #look(): void {
    const { webSocket, socket } = this.#options;
    if (socket.bytesRead !== this.#bytesRead) {
      this.#bytesRead = socket.bytesRead;
      this.#quiet = 0;
    } else if (++this.#quiet >= quietMax) {
      webSocket.terminate();
      this.#ended('the other node has been silent for too long');
      return;
    }
    webSocket.ping();
    this.#lookAgain();
  }

  #ended(reason: string, onPurpose = false): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#cancelLook();
    for (const { abort } of this.#serving.values()) abort.abort(new Error(reason));
    for (const intake of this.#intakes.values()) intake.end(lost('unavailable', reason));
    this.#intakes.clear();
    this.#outgoing.fail((code) => lost(code, reason));
    this.#options.onClosed(reason, onPurpose);
  }
}

function lost(code: ErrorCode, reason: string): RegistryError {
  return new RegistryError(code, `the connection to the other node is lost: ${reason}`);
}
