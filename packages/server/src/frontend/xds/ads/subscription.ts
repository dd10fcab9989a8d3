/**
 * What both variants of a subscription have in common: which resources the client asks for, what must be looked at or sent again, and whether its
 * requests answer the last response. The variants decide what a request subscribes to and what a response has (`sotw.ts`, `delta.ts`). Pure.
 */

import type { News, Shelf, Verdict } from './shelf.ts';

/** The part of a request that is about the last response. */
export interface Answer {
  readonly nonce: string;
  /** Why the client has refused the last response; undefined when it has not. */
  readonly error: string | undefined;
}

export abstract class Subscription {
  /** Once a client subscribes to all resources of the type. */
  protected isWildcard = false;
  /** The client has never got an answer to its wildcard, not even an empty one. */
  protected owesAll = false;
  /** Names that the client must get although they have not changed. */
  protected readonly due = new Set<string>();
  /** Names to look at; `*` for the wildcard. */
  protected readonly dirty = new Set<string>();
  #isFirst = true;
  #nonce = '';
  #nonces = 0;
  #isOutstanding = false;

  /** Resources that the client asks for by name. */
  abstract get names(): ReadonlySet<string>;

  /** Whether the client asks for all resources of the type. */
  get wildcard(): boolean {
    return this.isWildcard;
  }

  /** Whether the client has not yet answered the last response. */
  get outstanding(): boolean {
    return this.#isOutstanding;
  }

  /** A resource may have changed. */
  touch(name: string): void {
    this.dirty.add(name);
  }

  /** Sends a resource again, changed or not, if the client subscribes to it. */
  resend(name: string): void {
    if (this.names.has(name)) this.owe(name);
  }

  /** What is new to the client; undefined for nothing. @param removals whether resources that are gone may be removed now */
  next(shelf: Shelf, removals: boolean): News | undefined {
    return this.#isOutstanding || (this.dirty.size === 0 && !this.owesAll) ? undefined : this.news(shelf, removals);
  }

  /** As `next`, when a response may be sent and there is something to look at. */
  protected abstract news(shelf: Shelf, removals: boolean): News | undefined;

  /** Whether no request has come. */
  protected get isNew(): boolean {
    return this.#isFirst;
  }

  /** The client must get this resource. */
  protected owe(name: string): void {
    this.due.add(name);
    this.dirty.add(name);
  }

  /** The client has given this resource up. */
  protected waive(name: string): void {
    this.due.delete(name);
    this.dirty.delete(name);
  }

  /** Takes note of a request. A request that changes the subscription need not answer a response. */
  protected hear({ nonce, error }: Answer): Verdict {
    const wasFirst = this.#isFirst;
    this.#isFirst = false;
    const isAnswer = this.#nonce !== '' && nonce === this.#nonce;
    if (isAnswer) this.#isOutstanding = false;
    if (wasFirst) return 'first';
    if (!isAnswer) return 'stale';
    return error === undefined ? 'ack' : 'nack';
  }

  protected response(news: Omit<News, 'nonce'>): News {
    this.#nonce = `${++this.#nonces}`;
    this.#isOutstanding = true;
    return { ...news, nonce: this.#nonce };
  }
}
