/**
 * A WebSocket to an instance of a service: chosen by the balancer, counted for as long as it is open, and tried
 * at another instance when it cannot be opened. When it breaks later, opening another one is up to the caller,
 * who knows what to say first on it.
 */

import { RegistryError } from '@rollcall/protocol';
import { WebSocket } from 'ws';
import type { Picked, ServiceClient } from '../service-client.ts';

export interface WebSocketOptions {
  /** Subprotocols (RFC 6455 §1.9). */
  readonly protocols?: readonly string[];
  /** Headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For balancers that send equal keys to the same instance. */
  readonly key?: string;
  /** Instances that are tried; a whole number, 1 or more. 3 by default. */
  readonly triesMax?: number;
  /** Longest that one handshake may take, in milliseconds; more than 0. 5,000 by default. */
  readonly handshakeTimeoutMs?: number;
  /** Largest message that is taken, in bytes; 1 MiB by default. */
  readonly messageBytesMax?: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens a WebSocket to one of the instances.
 * @param path with its query: `/chat?room=1`
 * @returns an open one, of the package ws
 * @throws RegistryError `unavailable` when no instance of those tried took it; the signal's reason when it aborts
 */
export async function openWebSocket(service: ServiceClient, path: string, options: WebSocketOptions = {}): Promise<WebSocket> {
  const { triesMax = 3, key, signal } = options;
  if (service.snapshot() === undefined) await service.instances(signal === undefined ? {} : { signal });
  const tried: Picked[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const picked = service.pick({ exclude: tried, ...(key === undefined ? {} : { key }), ...(options.headers && { headers: options.headers }) });
    tried.push(picked);
    try {
      return await open(picked, path, options);
    } catch (error) {
      signal?.throwIfAborted();
      const at = `${picked.address}:${picked.port}`;
      if (tried.length < triesMax && hasMore(service, tried)) continue;
      const message = `no instance of ${service.name} took the WebSocket ${path} in ${tried.length} tries, the last at ${at}: ${(error as Error).message}`;
      throw new RegistryError('unavailable', message, { cause: error });
    }
  }
}

function hasMore(service: ServiceClient, tried: readonly Picked[]): boolean {
  return (service.snapshot()?.instances.length ?? 0) > tried.length;
}

function open(picked: Picked, path: string, options: WebSocketOptions): Promise<WebSocket> {
  const { protocols = [], headers = {}, handshakeTimeoutMs = 5_000, messageBytesMax = 2 ** 20, signal } = options;
  const host = picked.address.includes(':') ? `[${picked.address}]` : picked.address;
  const socket = new WebSocket(`ws://${host}:${picked.port}${path}`, [...protocols], {
    headers,
    handshakeTimeout: handshakeTimeoutMs,
    maxPayload: messageBytesMax,
  });
  const onAbort = () => socket.terminate();
  signal?.addEventListener('abort', onAbort);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', reject);
      // In flight for as long as it is open: that is what it costs the instance.
      socket.once('close', () => picked.done('ok'));
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal?.removeEventListener('abort', onAbort);
      picked.done(signal?.aborted === true ? 'cancelled' : 'unreachable');
      reject(error);
    });
  });
}
