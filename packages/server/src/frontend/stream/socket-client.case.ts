/** A client of the stream for tests: a bare WebSocket that sends requests and keeps the frames that it gets. */

import type { ReplyFrame, SessionKey } from '@rollcall/protocol';
import { WebSocket, type ClientOptions } from 'ws';
import { randomUUID } from 'node:crypto';

export type Told = ReplyFrame & Record<string, unknown>;

export interface Ended {
  readonly code: number;
  readonly reason: string;
}

export class SocketClient {
  readonly webSocket: WebSocket;
  /** Resolves when the socket has closed. */
  readonly ended: Promise<Ended>;
  /** Frames that came and were not taken. */
  readonly inbox: Told[] = [];
  /** Number of messages that have come. */
  received = 0;
  #waiting: { fits: (frame: Told) => boolean; take: (frame: Told) => void }[] = [];
  #lastId = 0;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString()) as Told));
    webSocket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      webSocket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async open(url: string, options: ClientOptions = {}): Promise<SocketClient> {
    const webSocket = new WebSocket(`${url.replace(/^http/, 'ws')}/rollcall/v1/stream`, options);
    const client = new SocketClient(webSocket);
    await new Promise<void>((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
    });
    return client;
  }

  /** Opens and says hello. */
  static async greeted(url: string, hello: object = {}, options: ClientOptions = {}): Promise<SocketClient> {
    const client = await SocketClient.open(url, options);
    const welcome = await client.ask({ type: 'hello', protocol: 1, client: 'test', ...hello });
    if (welcome.type !== 'welcome') throw new Error(`no welcome: ${JSON.stringify(welcome)}`);
    return client;
  }

  send(message: string | Buffer): void {
    this.webSocket.send(message);
  }

  /** Sends a request with the next id; the answer is the first frame with that id. */
  ask(frame: object): Promise<Told> {
    const id = ++this.#lastId;
    const answer = this.take((told) => told['id'] === id);
    this.send(JSON.stringify({ id, ...frame }));
    return answer;
  }

  /** Takes the first frame that fits, of those that have come or will come. */
  take(fits: (frame: Told) => boolean): Promise<Told> {
    const at = this.inbox.findIndex(fits);
    if (at >= 0) return Promise.resolve(this.inbox.splice(at, 1)[0] as Told);
    return new Promise((resolve) => this.#waiting.push({ fits, take: resolve }));
  }

  /** The next push about a view. */
  push(name: string): Promise<Told> {
    return this.take((told) => 'view' in told && told['id'] === undefined && (told.view as { name: string }).name === name);
  }

  #receive(frame: Told): void {
    this.received++;
    const waiting = this.#waiting.findIndex(({ fits }) => fits(frame));
    if (waiting < 0) this.inbox.push(frame);
    else this.#waiting.splice(waiting, 1)[0]?.take(frame);
  }
}

export function newSession(): SessionKey {
  return { id: randomUUID(), token: randomUUID() };
}
