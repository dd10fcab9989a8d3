/**
 * An address that a server listens on, with all that must be known before it is opened: its TLS files, and what the
 * bind policy asks about it. Plain data; `listeners.ts` in the composition root opens it.
 */

import type { UnixSocket } from './unix-socket.ts';

export interface TcpAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Of a worker: whether it alone listens there, and not all workers together. */
  readonly exclusive?: boolean;
}

/** The files are in PEM; when they change, new connections get the new certificate without a restart. */
export interface TlsFiles {
  /** The server's certificate, followed by the intermediate certificates up to its authority. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificates of the authorities that must have signed a client's certificate. */
  readonly caFile?: string;
  /** Whether clients must show a certificate; needs `caFile`. False by default. */
  readonly verifyIncoming?: boolean;
  /** `TLSv1.2` by default. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export interface ListenAddress {
  /** Unique in a server: `http`, `https`, `dns`. The server reports its port under this name. */
  readonly name: string;
  readonly at: TcpAddress | UnixSocket;
  readonly tls?: TlsFiles;
  /** Whether clients send tokens here, which others must not be able to read on the way. */
  readonly tokens: boolean;
  /** Whether the server starts without this listener when another program has the address. */
  readonly optional?: boolean;
}
