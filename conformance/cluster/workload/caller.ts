/**
 * A caller of Consul's API that moves to another node when one fails, and reports for each request whether it was answered, was
 * never sent, or may have taken effect. It repeats no request.
 */

import { Agent, request } from 'undici';

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly text: string;
  /** `X-Consul-Index`; 0 when there is none. */
  readonly index: number;
  /** Whether the node reported that the answer may be stale. */
  readonly stale: boolean;
  readonly node: string;
}

/** `unsent`: it had no effect. `unknown`: it may have had one, or may have one later. */
export type Outcome = Answer | { readonly kind: 'unsent' | 'unknown'; readonly text: string };

/** Where a caller reaches a node. */
export interface Entry {
  readonly node: string;
  readonly url: string;
}

export interface CallerOptions {
  readonly name: string;
  readonly entries: readonly Entry[];
  /** Index of its first entry. */
  readonly first: number;
  readonly timeoutMs?: number;
}

export class Caller {
  readonly name: string;
  readonly #entries: readonly Entry[];
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  #at: number;

  constructor({ name, entries, first, timeoutMs = 6_000 }: CallerOptions) {
    this.name = name;
    this.#entries = entries;
    this.#at = first;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({ connect: { timeout: 2_000 }, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** The node that the next request goes to. */
  get node(): string {
    return this.#entries[this.#at % this.#entries.length]?.node ?? '';
  }

  /** The next request goes to this entry. */
  choose(index: number): void {
    this.#at = index;
  }

  /** The next request goes to another node. */
  move(): void {
    this.#at++;
  }

  get(path: string): Promise<Outcome> {
    return this.#send('GET', path);
  }

  put(path: string, body: unknown = ''): Promise<Outcome> {
    return this.#send('PUT', path, typeof body === 'string' ? body : JSON.stringify(body));
  }

  delete(path: string): Promise<Outcome> {
    return this.#send('DELETE', path);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #send(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string): Promise<Outcome> {
    const entry = this.#entries[this.#at % this.#entries.length];
    if (entry === undefined) return { kind: 'unsent', text: 'no node' };
    try {
      const answer = await request(`${entry.url}${path}`, {
        method,
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: { 'x-rollcall-node': this.name },
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.body.text();
      const { headers, statusCode: status } = answer;
      // The API answers 500 to a request that may succeed on another node; then a write may have taken effect.
      if (status >= 500 && !/invalid session/i.test(text)) {
        this.move();
        return { kind: 'unknown', text: `${status} ${text}` };
      }
      const stale = headers['x-rollcall-stale'] !== undefined || Number(headers['x-consul-lastcontact'] ?? 0) > 0;
      return { kind: 'answer', status, text, index: Number(headers['x-consul-index'] ?? 0), stale, node: entry.node };
    } catch (error) {
      this.move();
      const { code = '', message } = error as Error & { readonly code?: string };
      return { kind: code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT' ? 'unsent' : 'unknown', text: message };
    }
  }
}
