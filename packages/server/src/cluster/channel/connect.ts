/**
 * Opens one connection to another node: the WebSocket, the key or token, and the hello. `link.ts` opens it again when it ends.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RegistryError, type ErrorCode } from '@rollcall/protocol';
import { WebSocket } from 'ws';
import type { Clock } from '../../clock.ts';
import { messageBytesMax } from './frame.ts';
import { decodeHello, encodeHello, type PeerHello, type PeerWelcome } from './hello.ts';
import { Peer, type Methods } from './peer.ts';

export const peerPath = '/rollcall/v1/peer';

export interface ConnectOptions {
  /** `http://127.0.0.1:8500`, `https://primary:8501` or `unix:///run/rollcall.sock`. */
  readonly url: string;
  /** The cluster key, or a token; empty: none. */
  readonly secret: string;
  /** Certificates (PEM) of the only authorities that are trusted for the other node. The well-known authorities by default. */
  readonly ca?: string | undefined;
  readonly hello: PeerHello;
  /** What the other node may ask. */
  readonly methods: () => Methods;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Connected {
  readonly peer: Peer;
  readonly welcome: PeerWelcome;
  /** Resolves with the reason when the connection has ended. */
  readonly ended: Promise<string>;
}

/** Time in which a connection must be open, with TLS and the hello. */
const openMs = 5_000;

/**
 * @throws RegistryError `unavailable` when the node cannot be reached or does not answer in time; `unauthenticated` and
 *   `permission_denied` when it refuses the key; `failed_precondition` when it takes no followers or is on another store;
 *   `unimplemented` when it speaks another protocol
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const { url, hello, methods, clock } = options;
  const webSocket = new WebSocket(address(url), {
    headers: options.secret === '' ? {} : { Authorization: `Bearer ${options.secret}` },
    handshakeTimeout: openMs,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    followRedirects: false,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const socket = await opened(webSocket, options);
  let end: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => (end = resolve));
  const peer = new Peer({ webSocket, socket, clock, methods, onClosed: (reason) => end(reason) });
  const stop = () => peer.close('the other node is closing');
  options.signal.addEventListener('abort', stop);
  void ended.then(() => options.signal.removeEventListener('abort', stop));
  const cancel = clock.timer(openMs, () => peer.close(`no answer to the hello within ${openMs / 1_000} s`));
  try {
    const welcome = decodeHello(await peer.call('hello', encodeHello(hello)));
    return { peer, welcome, ended };
  } catch (error) {
    peer.close('the hello failed');
    throw error;
  } finally {
    cancel();
  }
}

/** URL of the WebSocket; `unix:///run/x.sock` in the form that `ws` reads. */
function address(url: string): string {
  if (url.startsWith('unix://')) return `ws+unix:${url.slice('unix://'.length)}:${peerPath}`;
  return new URL(peerPath, url.replace(/^http/, 'ws')).href;
}

function opened(webSocket: WebSocket, { url, signal }: ConnectOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const stop = () => webSocket.terminate();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const fail = (error: RegistryError) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    };
    webSocket.on('upgrade', (response) => (socket = response.socket));
    webSocket.once('open', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket as Socket);
    });
    webSocket.on('error', (cause) => fail(new RegistryError('unavailable', `cannot reach ${url}: ${cause.message}`, { cause })));
    webSocket.on('unexpected-response', (request, response) => {
      void reasonOf(response).then((reason) => {
        request.destroy();
        const status = response.statusCode ?? 0;
        fail(new RegistryError(codeByStatus[status] ?? 'unavailable', `${url} refuses this node (${status}): ${reason}`));
      });
    });
  });
}

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'unimplemented',
  412: 'failed_precondition',
};

/** Longest reason that is read from a refusal. */
const reasonBytesMax = 2_000;

async function reasonOf(response: IncomingMessage): Promise<string> {
  let reason = '';
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      reason += part.toString();
      if (reason.length > reasonBytesMax) break;
    }
  } catch {
    // The status is enough of a reason.
  }
  return reason.slice(0, reasonBytesMax).trim();
}
