/**
 * The port between a member and the network: datagrams, which may be lost, and streams of messages, which are not. It carries
 * bytes and knows neither keys nor what they mean.
 */

import type { Address } from '../messages.ts';

/** A stream to one member. Each message arrives whole. */
export interface Stream {
  send(bytes: Uint8Array): void;
  /** The next message; undefined when the other end is done, or was silent for too long. */
  receive(): Promise<Buffer | undefined>;
  close(): void;
}

export interface Receivers {
  readonly datagram: (from: Address, bytes: Buffer) => void;
  /** A stream that another member opened. The receiver closes it. */
  readonly stream: (stream: Stream, from: string) => void;
}

export interface Transport {
  /** Where it listens, with the real port. */
  readonly bound: Address;
  /** Sends without a promise: it may be lost. */
  send(to: Address, bytes: Uint8Array): void;
  /** @throws Error when the other end cannot be reached in time */
  connect(to: Address, timeoutMs: number): Promise<Stream>;
  close(): Promise<void>;
}
