/**
 * A WebSocket to an instance of a service: the balancer chooses the instance, the WebSocket counts as a request
 * in flight while it is open, and another instance is tried when it cannot be opened. When it breaks later, the
 * caller must open a new one, since only the caller knows the first messages.
 */

import type { EventEmitter } from 'node:events';
import { RegistryError } from '@rollcall/protocol';
import type { WebSocket } from 'ws';
import { checkKnown, type OptionNames } from '../option-check.ts';
import type { TlsSettings } from '../http/connecting.ts';
import type { Picked } from '../picked.ts';
import type { ServiceClient } from '../service-client.ts';

export interface WebSocketOptions {
  /** Subprotocols (RFC 6455 §1.9). */
  readonly protocols?: readonly string[];
  /** Headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For balancers that send equal keys to the same instance. */
  readonly key?: string;
  /** Most instances to try; a whole number, 1 or more. 3 by default. */
  readonly triesMax?: number;
  /** Longest that one handshake may take, in milliseconds; more than 0. 5,000 by default. */
  readonly handshakeTimeoutMs?: number;
  /** Largest message that is accepted, in bytes; 1 MiB by default. */
  readonly messageBytesMax?: number;
  readonly signal?: AbortSignal;
}

const webSocketOptions: OptionNames<WebSocketOptions> = {
  ...{ protocols: true, headers: true, key: true, triesMax: true, handshakeTimeoutMs: true, messageBytesMax: true, signal: true },
};

/**
 * The opened WebSocket, of the package ws (https://github.com/websockets/ws/blob/master/doc/ws.md). Its main
 * members are declared here, so that a program needs the types of ws only for the others. Events: `message` (a
 * Buffer, and whether it is binary), `close` (code, and the reason as a Buffer), `error`, `ping`, `pong`.
 */
export interface ServiceWebSocket extends EventEmitter {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** The subprotocol that the instance chose; empty for none. */
  readonly protocol: string;
  /** Bytes that were queued and are not sent yet. */
  readonly bufferedAmount: number;
  /** @param sent called when the message was written, or with the error */
  send(data: string | Uint8Array | ArrayBuffer, sent?: (error?: Error) => void): void;
  ping(): void;
  /** Begins the closing handshake. @param code 1000, or 3000 to 4999 */
  close(code?: number, reason?: string): void;
  /** Breaks the connection. */
  terminate(): void;
  pause(): void;
  resume(): void;
}

/**
 * Opens a WebSocket to one of the instances.
 * @param path with its query: `/chat?room=1`
 * @returns an open WebSocket of the package ws; `addEventListener` and its other members work, too
 * @throws RegistryError `unavailable` when none of the tried instances accepted it; the signal's reason when it
 *   aborts; `invalid_argument` for an unknown option; SyntaxError or TypeError for an invalid path,
 *   protocols or headers
 */
export async function openWebSocket(service: ServiceClient, path: string, options: WebSocketOptions = {}): Promise<ServiceWebSocket> {
  checkKnown(options, webSocketOptions, 'a WebSocket');
  const { triesMax = 3, key, signal } = options;
  const { WebSocket } = await import('ws');
  if (service.snapshot() === undefined) await service.instances(signal === undefined ? {} : { signal });
  const tried: Picked[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const picked = service.pick({ exclude: tried, ...(key === undefined ? {} : { key }), ...(options.headers && { headers: options.headers }) });
    tried.push(picked);
    try {
      return await open(WebSocket, picked, service.tlsOf(picked.instance), path, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof NotOpened)) throw error;
      if (error.elsewhere && tried.length < triesMax && hasMore(service, tried)) continue;
      const at = `${picked.address}:${picked.port}`;
      const message = `no instance of ${service.name} took the WebSocket ${path} in ${tried.length} tries, the last at ${at}: ${error.message}`;
      throw new RegistryError('unavailable', message, { cause: error.cause });
    }
  }
}

/** Node's errors of connections that failed to open have the syscall `connect`. */
function unsent(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}

function hasMore(service: ServiceClient, tried: readonly Picked[]): boolean {
  return (service.snapshot()?.instances.length ?? 0) > tried.length;
}

/** The reason why an instance did not accept the WebSocket. */
class NotOpened extends Error {
  /** Whether another instance may accept it. */
  readonly elsewhere: boolean;

  constructor(cause: Error, elsewhere: boolean) {
    super(cause.message, { cause });
    this.elsewhere = elsewhere;
  }
}

/** @throws NotOpened; the error of `WebSocket` for an invalid path, protocols or headers */
async function open(Opened: typeof WebSocket, picked: Picked, tls: TlsSettings | undefined, path: string, options: WebSocketOptions): Promise<WebSocket> {
  const { signal } = options;
  const socket = begin(Opened, picked, tls, path, options);
  const onAbort = () => socket.terminate();
  signal?.addEventListener('abort', onAbort);
  let status: number | undefined;
  // An answer in HTTP: the instance is reachable and refuses.
  socket.once('unexpected-response', (_request, response) => {
    status = response.statusCode ?? 0;
    socket.terminate();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      // This listener stays: `close` reports later failures, and an error without a listener would end the
      // process.
      socket.on('error', reject);
    });
  } catch (error) {
    const refused = status === undefined || status >= 500 || status === 429;
    if (signal?.aborted === true) picked.done('cancelled');
    else if (status === undefined) picked.done(unsent(error) ? 'unreachable' : 'broken');
    else picked.done(refused ? 'failed' : 'ok');
    throw new NotOpened(status === undefined ? (error as Error) : new Error(`the handshake was answered with ${status}`), refused);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  // Counts as in flight while it is open, since the instance serves it for that long.
  if (socket.readyState === Opened.CLOSED) picked.done('ok');
  else socket.once('close', () => picked.done('ok'));
  return socket;
}

function begin(Opened: typeof WebSocket, picked: Picked, tls: TlsSettings | undefined, path: string, options: WebSocketOptions): WebSocket {
  const { protocols = [], headers = {}, handshakeTimeoutMs = 5_000, messageBytesMax = 2 ** 20 } = options;
  const host = picked.address.includes(':') ? `[${picked.address}]` : picked.address;
  const limits = { handshakeTimeout: handshakeTimeoutMs, maxPayload: messageBytesMax };
  try {
    return new Opened(`${tls === undefined ? 'ws' : 'wss'}://${host}:${picked.port}${path}`, [...protocols], { ...tls, headers, ...limits });
  } catch (error) {
    picked.done('cancelled');
    throw error;
  }
}
