/**
 * The port of a gRPC method: what a front end serves on a gRPC listener. Messages are bytes, which the front end encodes and decodes,
 * so that one encoding can go to many clients. It knows no service.
 *
 * To serve gRPC, a front end returns its methods from `grpc()` (`net/frontend.ts`), which may load what only they need. It finds the caller of
 * each call by its headers, declares the access of each method as for its routes, ends its streams in `close()`, and names itself in the
 * message of `openGrpc` in the composition root. Nothing else is to be done: the listener is opened and closed with the others.
 */

import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';

/** One TCP connection of a client. */
export interface Link {
  /** Milliseconds of its begin, address and port of the client, joined by `_`. */
  readonly id: string;
  /** Address of the client. */
  readonly address: string;
  /** Address at which the client has reached this server. */
  readonly localAddress: string;
  /** Ends the TCP connection. */
  cut(): void;
}

export type Bytes = Buffer;
/** To end it with an error, emit `error` with what `refusal` returns (`status.ts`). */
export type BidiStream = ServerDuplexStream<Bytes, Bytes>;
/** The same without messages of the client. */
export type ServerStream = ServerWritableStream<Bytes, Bytes>;

/** Reads a header of a call, in lower case; undefined when the client sent none. The first one counts. */
export type Header = (name: string) => string | undefined;

export type GrpcMethod =
  /** A rejection becomes the status of the call (`status.ts`). */
  | { readonly kind: 'unary'; readonly path: string; call(link: Link, request: Bytes, header: Header): Promise<Bytes> }
  /** Must not throw. */
  | { readonly kind: 'server'; readonly path: string; call(link: Link, stream: ServerStream, header: Header): void }
  | { readonly kind: 'bidi'; readonly path: string; call(link: Link, stream: BidiStream, header: Header): void };
