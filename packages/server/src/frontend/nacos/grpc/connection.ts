/**
 * One client: the stream over which this server sends requests of its own, its answers to them, and its signs of life. It knows no
 * naming and no configuration; those parts hang what they must free on `onEnd`.
 *
 *   heard ──10 s of silence──► asked (ClientDetectionRequest) ──5 s──► cut
 *     ▲                              │
 *     └────── any message ───────────┘
 */

import type { Context } from '../../../net/frontend.ts';
import type { ConnectionEnd } from '../../../health/connection/connection-session.ts';
import type { WheelTimer } from '../../../health/wheel.ts';
import type { BidiStream, Link } from '../../../net/grpc/method.ts';
import type { Movable } from '../../../net/moving.ts';
import { encodePayload } from './wire.ts';

/** Clients send a health check after 5 s without another message. Nacos asks after 20 s. */
export const silenceMs = 10_000;

/** Time for the answer to a request of the server, as in Nacos. */
export const answerMs = 5_000;

/** A message of the server that the client has to answer, encoded once for all its receivers. */
export interface Push {
  readonly requestId: string;
  readonly bytes: Buffer;
}

/** A timer that is so much later than it was due has waited for a stall of this process. */
const stallMs = 500;

/** The set-up that the client has sent. */
export interface ClientInfo {
  /** `Nacos-Java-Client:v3.1.0`. */
  readonly version: string;
  readonly labels: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly timer: WheelTimer;
  readonly onAnswer: (answered: boolean) => void;
}

export interface ConnectionOptions {
  readonly context: Pick<Context, 'clock' | 'wheel' | 'metrics' | 'log'>;
  readonly link: Link;
  readonly stream: BidiStream;
  readonly client: ClientInfo;
  /** Whether instances live as long as the connection. */
  readonly vouches: (connection: Connection) => boolean;
}

export class Connection implements Movable {
  readonly link: Link;
  readonly client: ClientInfo;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  readonly #options: ConnectionOptions;
  readonly #stream: BidiStream;
  readonly #waiting = new Map<string, Waiting>();
  readonly #onEnd = new Set<(end: ConnectionEnd) => void>();
  readonly #onDrain = new Set<() => void>();
  readonly #silence: WheelTimer;
  #asked = false;
  /** When the silence ends, on the monotonic clock. */
  #dueMs: number;
  #end: ConnectionEnd = 'died';
  #over = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.link = options.link;
    this.client = options.client;
    this.sinceMs = options.context.clock.now();
    this.#stream = options.stream;
    this.#silence = options.context.wheel.schedule(silenceMs, () => this.#silent());
    this.#dueMs = options.context.clock.monotonic() + silenceMs;
    this.#stream.on('drain', () => {
      for (const listener of this.#onDrain) listener();
    });
  }

  get isOpen(): boolean {
    return !this.#over;
  }

  /** Whether the client reads as fast as it is sent to. */
  get isFree(): boolean {
    return !this.#over && !this.#stream.writableNeedDrain;
  }

  get vouches(): boolean {
    return !this.#over && this.#options.vouches(this);
  }

  /** Calls the listener once, when the connection has ended; at once if it has. */
  onEnd(listener: (end: ConnectionEnd) => void): void {
    if (this.#over) listener(this.#end);
    else this.#onEnd.add(listener);
  }

  /** Calls the listener whenever the client reads again. */
  onDrain(listener: () => void): void {
    this.#onDrain.add(listener);
  }

  /** A message of the client has come, on the stream or as a call. */
  heard(): void {
    this.#asked = false;
    if (!this.#over) this.#listen(silenceMs);
  }

  /**
   * Sends a request of the server. A client that reads too slowly gets it later: look at `isFree` before.
   * @param onAnswer called once; false when no answer has come in 5 s, or the connection has ended
   */
  push({ requestId, bytes }: Push, onAnswer: (answered: boolean) => void): void {
    if (this.#over) {
      onAnswer(false);
      return;
    }
    const timer = this.#options.context.wheel.schedule(answerMs, () => this.#answered(requestId, false));
    this.#waiting.set(requestId, { timer, onAnswer });
    this.#stream.write(bytes);
  }

  /** The client has answered a request of the server. Answers to unknown requests are late ones. */
  answered(requestId: string): void {
    this.#answered(requestId, true);
  }

  /** Sends a message that is not answered. */
  tell(type: string, body: object): void {
    if (!this.#over) this.#stream.write(encodePayload(type, JSON.stringify({ headers: {}, ...body, module: 'internal' }), this.link.localAddress));
  }

  /** The server closes, or this node leaves its store: the client connects to another server, its instances stay. */
  dismiss(): void {
    if (this.#over) return;
    this.#end = 'dismissed';
    this.tell('ConnectResetRequest', {});
  }

  /** Ends the connection without a word. */
  cut(end: ConnectionEnd): void {
    if (this.#over) return;
    if (this.#end !== 'dismissed') this.#end = end;
    this.release();
    this.link.cut();
  }

  /** Ends the stream behind the bytes that were sent; the TCP connection ends after it. */
  release(): void {
    this.ended();
    this.#stream.end();
  }

  /** The stream has ended: frees everything. Safe to call again. */
  ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence.cancel();
    for (const requestId of [...this.#waiting.keys()]) this.#answered(requestId, false);
    this.#onDrain.clear();
    for (const listener of this.#onEnd) listener(this.#end);
    this.#onEnd.clear();
  }

  #answered(requestId: string, answered: boolean): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) return;
    this.#waiting.delete(requestId);
    waiting.timer.cancel();
    waiting.onAnswer(answered);
  }

  #silent(): void {
    const { clock, metrics, log } = this.#options.context;
    // After a stall of this process, signs of life wait in the sockets: timers run before sockets are read.
    const stalled = clock.monotonic() - this.#dueMs > stallMs;
    if (this.#asked && !stalled) {
      log.info({ remote: this.link.address, connection: this.link.id }, 'a Nacos client did not answer: its connection was cut');
      metrics.streamsCut.labels({ reason: 'silent' }).inc();
      this.cut('died');
      return;
    }
    this.#asked = true;
    this.tell('ClientDetectionRequest', { requestId: 'detection' });
    this.#listen(answerMs);
  }

  #listen(ms: number): void {
    this.#dueMs = this.#options.context.clock.monotonic() + ms;
    this.#silence.renew(ms);
  }
}
