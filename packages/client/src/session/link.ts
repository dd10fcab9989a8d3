/**
 * One WebSocket to one server: frames in and out, and noticing that the server is silent. It ends
 * once, with a reason, and is never used again; what comes next is the session's business.
 */

import type { Socket } from 'node:net';
import { checkReply, frameLimits, type ReplyFrame, type RequestFrame } from '@rollcall/protocol';
import { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import { streamUrl } from './rotation.ts';

/** Also finds a server that accepts connections and says nothing. */
const handshakeMs = 3_000;

/** The server pings this often until its welcome says otherwise. */
const pingMsDefault = 1_000;

/** Looks per ping; at the ninth quiet look in a row, 2.25 to 2.5 pings after its last byte, the server is gone. */
const looksPerPing = 4;
const quietMax = 9;

/** Snapshots are estimated by the server; this leaves room for its being wrong. */
const messageBytesMax = 2 * frameLimits.snapshotBytesMax;

export interface LinkOptions {
  readonly server: string;
  readonly clock: Clock;
  readonly onOpen: () => void;
  readonly onFrame: (frame: ReplyFrame) => void;
  /** A frame that this client does not understand; `id` is that of the request, if it answers one. */
  readonly onStrange: (message: string, id: number | undefined) => void;
  /** Called once, also for a link that never opened. */
  readonly onEnd: (reason: string) => void;
}

export class Link {
  readonly server: string;
  readonly #clock: Clock;
  readonly #webSocket: WebSocket;
  readonly #onEnd: (reason: string) => void;
  #socket: Socket | undefined;
  #pingMs = pingMsDefault;
  #bytesRead = 0;
  #quiet = 0;
  #reason: string | undefined;
  #ended = false;
  #stopLooking: () => void = () => {};

  constructor({ server, clock, onOpen, onFrame, onStrange, onEnd }: LinkOptions) {
    this.server = server;
    this.#clock = clock;
    this.#onEnd = onEnd;
    const webSocket = new WebSocket(streamUrl(server), {
      perMessageDeflate: false,
      handshakeTimeout: handshakeMs,
      maxPayload: messageBytesMax,
      followRedirects: false,
    });
    this.#webSocket = webSocket;
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
    webSocket.on('error', (error: NodeJS.ErrnoException) => (this.#reason ??= error.message || error.code));
    webSocket.on('close', (code: number, reason: Buffer) =>
      this.#end(this.#reason ?? (reason.toString() || `the connection broke (${code})`)),
    );
  }

  send(frame: RequestFrame): void {
    this.#webSocket.send(JSON.stringify(frame));
  }

  /** How often the server pings, as its welcome said. */
  pinged(everyMs: number): void {
    this.#pingMs = everyMs;
  }

  /** Ends the link now: nothing that was sent before is sure to arrive. */
  cut(reason: string): void {
    this.#webSocket.terminate();
    this.#end(reason);
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopLooking();
    this.#onEnd(reason);
  }

  /** Counts looks, not time: when this process stalls, the server is not to blame. */
  #look(): void {
    this.#stopLooking = this.#clock.timer(this.#pingMs / looksPerPing, () => {
      const bytesRead = this.#socket?.bytesRead ?? 0;
      if (bytesRead !== this.#bytesRead) this.#quiet = 0;
      else this.#quiet++;
      this.#bytesRead = bytesRead;
      if (this.#quiet >= quietMax) this.cut(`the server was silent for ${(quietMax / looksPerPing) * this.#pingMs} ms`);
      else this.#look();
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
