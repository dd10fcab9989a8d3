/**
 * The native stream as a browser speaks it: one WebSocket, requests with answers, and pushes. It connects again after an interruption, sooner at
 * first. It keeps no content; `views.ts` does.
 */

import { pageKey } from '../page-key.ts';
import { checkReply, pageKeyProtocol, pageProtocol, streamPath, streamProtocol, type ReplyFrame, type RequestFrame, type WelcomeFrame } from '@rollcall/protocol';

type Push = Extract<ReplyFrame, { readonly type: 'snapshot' | 'delta' | 'watch-ended' | 'freshness' | 'go-elsewhere' }>;

/** A request without its id. */
export type Request = RequestFrame extends infer Frame ? (Frame extends RequestFrame ? Omit<Frame, 'id'> : never) : never;

export interface SocketEvents {
  /** A connection is ready: watch again. */
  readonly opened: (welcome: WelcomeFrame) => void;
  readonly pushed: (push: Push) => void;
  /** There is no connection. @param sinceMs the last sign of life, in milliseconds since the Unix epoch */
  readonly lost: (sinceMs: number) => void;
}

interface Waiting {
  readonly resolve: (reply: ReplyFrame) => void;
  readonly reject: (error: Error) => void;
}

const firstRetryMs = 250;
const retryMsMax = 5_000;
const answerMsMax = 10_000;
/** A page does not see the pings of the server. After so long without a word it asks for one: */
const quietMs = 3_000;
/** and without an answer it takes the server for lost, and tries again. */
const silenceMsMax = 8_000;
const lookMs = 1_000;
/** A request with an answer that costs the server nothing. */
const signOfLife: Request = { type: 'unwatch', views: [] };

export class Socket {
  readonly #namespace: string;
  readonly #events: SocketEvents;
  readonly #waiting = new Map<number, Waiting>();
  #socket: WebSocket | undefined;
  #lastId = 0;
  #retryMs = firstRetryMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  readonly #look: ReturnType<typeof setInterval>;
  /** All of `performance.now()`. */
  #beganMs = 0;
  #heardMs = 0;
  #lookedMs = 0;
  /** When it has asked for a sign of life that has not come. */
  #askedMs: number | undefined;

  constructor(namespace: string, events: SocketEvents) {
    this.#namespace = namespace;
    this.#events = events;
    this.#connect();
    this.#look = setInterval(() => this.#lookForLife(), lookMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#look);
    this.#socket?.close(1000);
  }

  /** @throws Error (the promise) with the server's message, or when the connection ends first */
  request(request: Request): Promise<ReplyFrame> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error('there is no connection to the registry'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => socket.close(4004), answerMsMax);
      const settled = <T>(settle: (value: T) => void) => (value: T): void => {
        clearTimeout(late);
        this.#waiting.delete(id);
        settle(value);
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      socket.send(JSON.stringify({ ...request, id }));
    });
  }

  #connect(): void {
    const url = new URL(streamPath, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, [pageProtocol, `${pageKeyProtocol}${pageKey()}`]);
    this.#socket = socket;
    this.#beganMs = this.#heardMs = performance.now();
    this.#askedMs = undefined;
    socket.addEventListener('open', () => {
      const hello: Request = { type: 'hello', protocol: streamProtocol, client: 'console', ...(this.#namespace === 'default' ? {} : { namespace: this.#namespace }) };
      this.request(hello).then(
        (reply) => {
          if (reply.type !== 'welcome') return;
          this.#retryMs = firstRetryMs;
          this.#events.opened(reply);
        },
        () => socket.close(),
      );
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardMs = performance.now();
      this.#askedMs = undefined;
      this.#receive(String(data));
    });
    socket.addEventListener('close', () => this.#ended(socket, Date.now()));
  }

  /** A server that stands still, or a network that swallows everything, ends no connection. */
  #lookForLife(): void {
    const nowMs = performance.now();
    // A tab in the background, or a machine that slept: it has not listened either.
    const hasSlept = nowMs - this.#lookedMs > 3 * lookMs;
    this.#lookedMs = nowMs;
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.CONNECTING && nowMs - this.#beganMs > answerMsMax) this.#abandon(socket);
    if (socket?.readyState !== WebSocket.OPEN || nowMs - this.#heardMs < quietMs) return;
    if (this.#askedMs === undefined || hasSlept) {
      this.#askedMs = nowMs;
      this.request(signOfLife).catch(() => {});
    } else if (nowMs - this.#askedMs > silenceMsMax) this.#abandon(socket);
  }

  /** Without waiting for the end of the connection, which may take minutes. */
  #abandon(socket: WebSocket): void {
    this.#ended(socket, Date.now() - (performance.now() - this.#heardMs));
    socket.close();
  }

  #receive(text: string): void {
    const checked = checkReply(JSON.parse(text));
    if (!checked.ok) return;
    const { frame } = checked;
    if ('id' in frame && frame.id !== undefined) {
      const waiting = this.#waiting.get(frame.id);
      if (frame.type === 'error') waiting?.reject(new Error(frame.message));
      else waiting?.resolve(frame);
      return;
    }
    if (frame.type === 'snapshot' || frame.type === 'delta' || frame.type === 'watch-ended' || frame.type === 'freshness' || frame.type === 'go-elsewhere') this.#events.pushed(frame);
  }

  #ended(socket: WebSocket, sinceMs: number): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    for (const { reject } of this.#waiting.values()) reject(new Error('the connection to the registry ended'));
    if (this.#isClosed) return;
    // Consoles that a restart has cut off do not all come back in one moment.
    const wait = this.#retryMs * (0.5 + Math.random());
    this.#retryMs = Math.min(2 * this.#retryMs, retryMsMax);
    this.#events.lost(sinceMs);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }
}
