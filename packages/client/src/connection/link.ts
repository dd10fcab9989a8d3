/**
 * One WebSocket to one server: frames in and out, and the detection of a silent server. It ends once, with a
 * reason, and is never used again; the registry connection decides what follows.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RegistryError, checkReply, frameLimits, streamLeftCode, type ErrorCode, type RequestFrame } from '@rollcall/protocol';
import { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import { connectionFailure } from './connection-failure.ts';
import type { LinkEnd, LinkOptions, RegistryLink } from './registry-link.ts';
import { streamUrl } from './rotation.ts';

/** Also detects a server that accepts connections and sends nothing; shorter if another server can be used instead. */
const handshakeMs = { only: 3_000, spare: 1_500 };

/** Ping interval until the server's welcome names another. */
const pingMsDefault = 1_000;

/**
 * Looks per ping; after this many looks in a row without a byte the server counts as lost. The only server: 2.25 to 2.38 pings after the
 * last byte. If another server can be used instead: 1.5 to 1.63, so that a client of a frozen node is on another one within 2 s.
 */
const looksPerPing = 8;
const quietMax = { only: 18, spare: 12 };

/** After so many looks the client pings by itself: a server that lives answers, even if its own ping is late. */
const quietPinged = 8;

/** The server estimates the size of snapshots; this leaves room for its error. */
const messageBytesMax = 2 * frameLimits.snapshotBytesMax;

/** Statuses of a server that could accept the handshake from another client, or later. */
const refusals: Readonly<Record<number, ErrorCode>> = { 401: 'unauthenticated', 403: 'permission_denied', 429: 'resource_exhausted' };

/** Time that a server which was left has to answer the close frame. A stalled one reads it later, from its socket. */
const leaveMs = 1_000;

/** Of the text of a refusal. */
const refusalBytesMax = 2_048;

export class Link implements RegistryLink {
  readonly server: string;
  readonly #clock: Clock;
  readonly #webSocket: WebSocket;
  readonly #onEnd: (end: LinkEnd) => void;
  #socket: Socket | undefined;
  readonly #quietMax: number;
  #pingMs = pingMsDefault;
  #bytesRead = 0;
  #quiet = 0;
  #end: LinkEnd | undefined;
  #ended = false;
  #stopLooking: () => void = () => {};

  constructor({ server, hasSpare, credentials, clock, onOpen, onFrame, onStrange, onEnd }: LinkOptions) {
    this.server = server;
    const rank = hasSpare ? 'spare' : 'only';
    this.#quietMax = quietMax[rank];
    this.#clock = clock;
    this.#onEnd = onEnd;
    const { token, tls } = credentials;
    const webSocket = new WebSocket(streamUrl(server), {
      ...tls,
      ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
      perMessageDeflate: false,
      handshakeTimeout: handshakeMs[rank],
      maxPayload: messageBytesMax,
      followRedirects: false,
    });
    this.#webSocket = webSocket;
    webSocket.on('unexpected-response', (_request, response) => void this.#refused(response));
    webSocket.on('upgrade', ({ socket }) => (this.#socket = socket));
    webSocket.on('open', () => {
      if (this.#ended) return;
      this.#look();
      onOpen();
    });
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#ended) return;
      const value = isBinary ? undefined : parse(data);
      const checked = checkReply(value);
      if (checked.ok) onFrame(checked.frame);
      else onStrange(checked.message, checked.id);
    });
    webSocket.on('error', (error) => (this.#end ??= { reason: connectionFailure(error, server) }));
    webSocket.on('close', (code: number, reason: Buffer) =>
      this.#finish(this.#end ?? { reason: reason.toString() || `the connection broke (${code})` }),
    );
  }

  send(frame: RequestFrame): void {
    this.#webSocket.send(JSON.stringify(frame));
  }

  /** How often the server pings, as its welcome said. */
  pinged(everyMs: number): void {
    this.#pingMs = everyMs;
  }

  /**
   * Ends the link now: nothing that was sent before is sure to arrive.
   * @param refusal why this client cannot use the server
   */
  cut(reason: string, refusal?: RegistryError): void {
    this.#webSocket.terminate();
    this.#finish({ reason, ...(refusal !== undefined && { refusal }) });
  }

  /** Ends the link, and tells the server, as soon as it reads, that this client lives and goes elsewhere: no instance is lost. */
  leave(reason: string): void {
    this.#webSocket.close(streamLeftCode);
    this.#clock.timer(leaveMs, () => this.#webSocket.terminate());
    this.#finish({ reason });
  }

  /** The server has answered the handshake, but not with a stream. */
  async #refused(response: IncomingMessage): Promise<void> {
    const status = response.statusCode ?? 0;
    let text = '';
    try {
      for await (const chunk of response) {
        text += String(chunk);
        if (text.length > refusalBytesMax) break;
      }
    } catch {
      // The part that has arrived is enough.
    }
    const said = (response.headers['content-type'] ?? '').startsWith('text/plain') ? `: ${text.slice(0, refusalBytesMax).trim()}` : '';
    const code = refusals[status];
    const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
    this.#end ??= {
      reason: `the server answered with HTTP ${status}${said}`,
      ...(code === undefined ? {} : { refusal: new RegistryError(code, `${this.server} refused${said || ` with HTTP ${status}`}`) }),
      ...(seconds >= 0 ? { retryAfterMs: seconds * 1_000 } : {}),
    };
    this.#webSocket.terminate();
    this.#finish(this.#end);
  }

  #finish(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopLooking();
    this.#onEnd(end);
  }

  /** Counts looks, not time: a stall of this process must not count as silence of the server. */
  #look(): void {
    this.#stopLooking = this.#clock.timer(this.#pingMs / looksPerPing, () => {
      const bytesRead = this.#socket?.bytesRead ?? 0;
      if (bytesRead !== this.#bytesRead) this.#quiet = 0;
      else this.#quiet++;
      this.#bytesRead = bytesRead;
      if (this.#quiet >= this.#quietMax) {
        this.leave(`the server was silent for ${(this.#quietMax / looksPerPing) * this.#pingMs} ms`);
        return;
      }
      if (this.#quiet === quietPinged && this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.ping();
      this.#look();
    });
  }
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
