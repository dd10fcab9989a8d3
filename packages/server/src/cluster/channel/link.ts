/**
 * A lasting connection to one other node: it is opened again when it ends, with growing pauses. Requests do not survive its
 * end: the caller decides which of them it repeats.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { connect, type Connected } from './connect.ts';
import { encodeHello, type PeerHello, type PeerWelcome } from './hello.ts';
import type { CallOptions, Methods, Peer } from './peer.ts';

export interface LinkOptions {
  /** `http://127.0.0.1:8500`, `https://primary:8501` or `unix:///run/rollcall.sock`. */
  readonly url: string;
  /** The cluster key or a token; read for each connection, so that a file may have a newer one. Empty: none. */
  readonly secret: () => string | Promise<string>;
  /** PEM; the well-known authorities by default. */
  readonly ca?: string | undefined;
  /** The identity of this node; read for each connection. */
  readonly hello: () => PeerHello;
  /** What the other node may ask of this one. */
  readonly methods?: () => Methods;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called when a connection is open, and when it cannot be opened or has ended. */
  readonly onChange?: (change: LinkChange) => void;
}

export type LinkChange =
  | { readonly kind: 'open'; readonly welcome: PeerWelcome }
  | { readonly kind: 'lost'; readonly error: RegistryError };

/** Pauses between two attempts: doubled up to the second, each shortened by a random part of up to a half. */
const backOffMs = { first: 50, most: 2_000 };

/** After a connection that lasted this long, the pauses begin with the shortest again. */
const goodMs = 5_000;

export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  #connected: Connected | undefined;
  #wakeWaiting: (() => void)[] = [];
  #pauseMs = backOffMs.first;
  #endPause = () => {};
  #running: Promise<void> | undefined;
  #lost = new RegistryError('unavailable', 'the other node has not been connected yet');

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Connects for the first time, and from then on again whenever the connection ends. @throws RegistryError as `connect` */
  async open(): Promise<PeerWelcome> {
    const connected = await this.#connect();
    this.#running = this.#keep(connected);
    return connected.welcome;
  }

  /** The same in the background: the first attempt may fail as any other. */
  start(): void {
    this.#running ??= this.#keep(undefined);
  }

  /** The open connection, if any. */
  get peer(): Peer | undefined {
    const peer = this.#connected?.peer;
    return peer?.open === true ? peer : undefined;
  }

  get welcome(): PeerWelcome | undefined {
    return this.#connected?.welcome;
  }

  /** Repeats the hello, if there is a connection. @throws RegistryError with which the other node refuses it */
  async greet(): Promise<void> {
    const { peer } = this;
    if (peer !== undefined) await peer.call('hello', encodeHello(this.#options.hello()));
  }

  /** @throws RegistryError `unavailable` while there is no connection; as `Peer.call` */
  call(method: string, body: Buffer, options?: CallOptions): Promise<Buffer> {
    const { peer } = this;
    return peer === undefined ? Promise.reject(this.#unreachable()) : peer.call(method, body, options);
  }

  /** @throws RegistryError (from the iteration) as `call` */
  async *stream(method: string, body: Buffer, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    const { peer } = this;
    if (peer === undefined) throw this.#unreachable();
    yield* peer.stream(method, body, signal);
  }

  /** Waits for a connection. @returns false when `signal` has aborted, or the link is closed */
  async connected(signal: AbortSignal): Promise<boolean> {
    while (this.peer === undefined && !signal.aborted && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake);
        this.#wakeWaiting.push(wake);
      });
    }
    return !signal.aborted && !this.#stop.signal.aborted;
  }

  /** Ends the connection. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#endPause();
    this.#connected?.peer.close('this node is closing');
    this.#wake();
    await this.#running;
  }

  async #keep(first: Connected | undefined): Promise<void> {
    const { clock } = this.#options;
    let connected = first;
    while (!this.#stop.signal.aborted) {
      const since = clock.monotonic();
      try {
        connected ??= await this.#connect();
        const reason = await connected.ended;
        this.#lose(new RegistryError('unavailable', `the connection to ${this.#options.url} is lost: ${reason}`));
      } catch (error) {
        this.#lose(toRegistryError(error));
      }
      connected = undefined;
      if (clock.monotonic() - since >= goodMs) this.#pauseMs = backOffMs.first;
      await this.#pause();
    }
  }

  async #connect(): Promise<Connected> {
    const { url, ca, clock, hello, methods = () => ({}), onChange } = this.#options;
    const { signal } = this.#stop;
    const secret = await this.#options.secret();
    const connected = await connect({ url, ca, clock, methods, secret, signal, hello: hello() });
    this.#connected = connected;
    this.#wake();
    onChange?.({ kind: 'open', welcome: connected.welcome });
    return connected;
  }

  #lose(error: RegistryError): void {
    this.#connected = undefined;
    this.#lost = error;
    if (!this.#stop.signal.aborted) this.#options.onChange?.({ kind: 'lost', error });
  }

  /** Nothing was sent. */
  #unreachable(): RegistryError {
    const { code, message } = this.#lost;
    return code === 'unavailable' ? this.#lost : new RegistryError('unavailable', message, { cause: this.#lost });
  }

  async #pause(): Promise<void> {
    const { clock, random } = this.#options;
    if (this.#stop.signal.aborted) return;
    const pauseMs = this.#pauseMs * (1 - random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, backOffMs.most);
    await new Promise<void>((resolve) => {
      const cancel = clock.timer(pauseMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  #wake(): void {
    for (const wake of this.#wakeWaiting.splice(0)) wake();
  }
}
