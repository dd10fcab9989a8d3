/**
 * Sends answers. Headers are flat arrays, in the same case as in Consul: Go
 * canonicalises names (`X-Consul-Knownleader`), and some clients compare bytes. Every answer has a
 * Content-Length, so that HTTP/1.0 clients get no chunks.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { toRegistryError } from '@rollcall/protocol';
import { BodyTooLarge } from '../../../net/body.ts';
import { AnswerMemoryFull } from '../../../net/answer-memory.ts';
import { endWith } from '../../../net/end-with.ts';
import { TooMuchWork } from '../../../net/turns.ts';
import type { Acl } from '../../../security/acl.ts';
import type { DefaultPolicy } from '../../../security/authorizer.ts';
import { TooManyFailures } from '../../../security/gate.ts';
import { textOf } from './access-words.ts';
import { inContact, withContact } from './contact.ts';
import { Refused, statusOf } from './errors.ts';
import type { Consistency } from './params.ts';
import type { SentReply, Shaped } from './reply.ts';

export const trueBody = Buffer.from('true');
export const falseBody = Buffer.from('false');

/** A stored value must never be shown as a page (`agent/kvs_endpoint.go`). */
const contentHeaders = {
  json: ['Content-Type', 'application/json'],
  text: ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
  bytes: ['Content-Type', 'application/octet-stream', 'X-Content-Type-Options', 'nosniff'],
  raw: [
    ...['Content-Type', 'text/plain'],
    ...['X-Content-Type-Options', 'nosniff'],
    ...['Content-Security-Policy', 'sandbox'],
  ],
  none: [],
} as const;

/** The head of an answer that comes from a view. */
export interface QueryHead {
  /** The view's revision; Consul's index is never 0, since `?index=0` would not wait. */
  readonly revision: number;
  readonly consistency: Consistency;
  readonly bytes: number;
  readonly type: 'json' | 'raw' | 'none';
  readonly gzipped: boolean;
  /** A header instead of the index of a view. */
  readonly token?: readonly [name: string, value: string];
}

/** The headers of a read that does not come from a view: like Consul, it has the lowest index. */
export const plainIndex: readonly string[] = ['X-Consul-Index', '1', ...inContact];

/** The headers of all answers, for answers that are sent without a `Wire`. */
export function commonHead({ enabled, defaultPolicy }: Pick<Acl, 'enabled' | 'defaultPolicy'>): readonly string[] {
  return commonFields(enabled ? defaultPolicy : 'allow');
}

function commonFields(defaultPolicy: DefaultPolicy): readonly string[] {
  return ['Vary', 'Accept-Encoding', 'X-Consul-Default-Acl-Policy', defaultPolicy];
}

/** Sends answers. All of them name the default policy of access control. */
export class Wire {
  readonly #common: readonly string[];
  readonly #empty: readonly string[];
  readonly #staleMs: () => number;
  /** Cached answers to clients that guess tokens: the gate throws the same few errors again and again. */
  readonly #slowedDown = new WeakMap<TooManyFailures, { readonly head: readonly string[]; readonly body: Buffer }>();

  /** @param staleMs returns `Registry.staleMs` */
  constructor(defaultPolicy: DefaultPolicy, staleMs: () => number) {
    this.#staleMs = staleMs;
    this.#common = commonFields(defaultPolicy);
    this.#empty = [...this.#common, 'Content-Length', '0'];
  }

  queryHead({ revision, consistency, bytes, type, gzipped, token }: QueryHead): readonly string[] {
    const content = [...contentHeaders[type], ...(gzipped ? ['Content-Encoding', 'gzip'] : []), ...this.#common];
    const length = ['Content-Length', String(bytes)];
    if (token !== undefined) return [...content, ...token, ...length];
    return [
      ...content,
      'X-Consul-Effective-Consistency',
      consistency,
      'X-Consul-Index',
      String(Math.max(revision, 1)),
      ...inContact,
      ...length,
    ];
  }

  /** The empty answer of writes by agents. */
  empty(response: ServerResponse, headers?: readonly string[]): void {
    response.writeHead(200, (headers === undefined ? this.#empty : [...headers, ...this.#empty]) as string[]);
    response.end();
  }

  json(response: ServerResponse, body: Buffer): void {
    response.writeHead(200, [...contentHeaders.json, ...this.#common, 'Content-Length', String(body.length)]);
    endWith(response, body);
  }

  /** The head of a body of JSON or text. */
  bodyHead(type: 'json' | 'text', bytes: number, headers: readonly string[] = []): readonly string[] {
    return [...contentHeaders[type], ...this.#common, ...headers, 'Content-Length', String(bytes)];
  }

  /** Sends an answer with its status and headers. */
  shaped(response: ServerResponse, { status, body, type, headers = [] }: Shaped): void {
    if (type === 'streamed') return;
    const length = ['Content-Length', String(body.length)];
    const head = [...contentHeaders[type], ...this.#common, ...withContact(headers, this.#staleMs()), ...length];
    response.writeHead(status, head);
    endWith(response, body);
  }

  text(response: ServerResponse, status: number, text: string, headers: readonly string[] = []): void {
    this.shaped(response, { status, body: Buffer.from(text), type: 'text', headers });
  }

  /**
   * Answers an error as Consul does.
   * @param headers names and values, one after the other
   * @returns the status
   */
  error(response: ServerResponse, thrown: unknown, headers: readonly string[] = []): number {
    if (thrown instanceof TooManyFailures) return this.#slowDown(response, thrown);
    const error = toRegistryError(thrown);
    if (thrown instanceof BodyTooLarge) {
      const { bytes, limit } = thrown;
      this.text(response, 413, `Request body(${bytes} bytes) too large, max size: ${limit} bytes.`);
      return 413;
    }
    if (thrown instanceof TooMuchWork || thrown instanceof AnswerMemoryFull) {
      // The answer of Consul when its rate limits are reached (`agent/http.go`, `rate.ErrRetryLater`).
      this.text(response, 503, error.message, [...headers, 'Retry-After', '1']);
      return 503;
    }
    const status = thrown instanceof Refused ? thrown.status : statusOf(error.code);
    this.text(response, status, textOf(error), headers);
    return status;
  }

  #slowDown(response: ServerResponse, error: TooManyFailures): number {
    let answer = this.#slowedDown.get(error);
    if (answer === undefined) {
      const body = Buffer.from(error.message);
      const after = ['Retry-After', String(Math.ceil(error.retryAfterMs / 1_000))];
      answer = { head: [...contentHeaders.text, ...this.#common, ...after, 'Content-Length', String(body.length)], body };
      this.#slowedDown.set(error, answer);
    }
    response.writeHead(429, answer.head as string[]);
    endWith(response, answer.body);
    return 429;
  }
}

export function acceptsGzip(request: IncomingMessage): boolean {
  const accepted = headerOf(request, 'accept-encoding');
  return accepted !== undefined && /(^|[\s,])(gzip|\*)(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted);
}

/**
 * A request header without building the object of all of them, which would cost more than the rest
 * of a heartbeat.
 * @param name in lower case
 */
export function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) return rawHeaders[at + 1];
  }
  return undefined;
}

/** The reply with the headers of a read. */
export function withIndex(reply: SentReply): SentReply {
  if (reply === undefined) return undefined;
  if (Buffer.isBuffer(reply)) return { status: 200, body: reply, type: 'json', headers: plainIndex };
  return { ...reply, headers: [...plainIndex, ...(reply.headers ?? [])] };
}
