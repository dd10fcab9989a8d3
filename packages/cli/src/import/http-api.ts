/** Requests to the HTTP API of a registry of another kind, or of a Rollcall in its place: JSON, a token, and refusals with their text. */

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Credentials } from '@rollcall/client';
import { textOf } from '../admin-call.ts';
import { CommandFailure, exitCodes } from '../failure.ts';

/** An API object whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** An answer with a status other than success. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${text.trim().slice(0, 300) || 'no reason given'} (${status})`);
    this.name = 'Refusal';
    this.status = status;
  }
}

export interface HttpApiOptions {
  /** Without a path. */
  readonly url: string;
  readonly credentials: Pick<Credentials, 'tls'>;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Longest silence: a catalog of ten thousand nodes takes seconds. */
const silenceMs = 60_000;
/** Connections of a whole import. */
const connectionsMax = 16;

export class HttpApi {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: HttpAgent;

  constructor({ url, credentials, headers }: HttpApiOptions) {
    this.url = url;
    this.#headers = headers;
    const options = { keepAlive: true, maxSockets: connectionsMax };
    this.#agent = url.startsWith('https:') ? new HttpsAgent({ ...options, ...credentials.tls }) : new HttpAgent(options);
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** @throws Refusal; CommandFailure `unreachable` */
  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text('GET', path)) as T;
  }

  /** Undefined when a get is answered with a 404. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @throws Refusal; CommandFailure `unreachable` */
  async text(method: string, path: string, body: string | Uint8Array = '', headers: Readonly<Record<string, string>> = {}): Promise<string> {
    let answer: { readonly status: number; readonly text: string };
    try {
      answer = await this.#send(method, path, body, headers);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new CommandFailure(exitCodes.unreachable, `no answer from ${this.url} (${code ?? message})`, { cause: error });
    }
    if (answer.status !== 200) throw new Refusal(answer.status, answer.text);
    return answer.text;
  }

  #send(method: string, path: string, body: string | Uint8Array, more: Readonly<Record<string, string>>): Promise<{ status: number; text: string }> {
    const send = this.url.startsWith('https:') ? httpsRequest : httpRequest;
    const headers = { 'Content-Length': Buffer.byteLength(body), ...this.#headers, ...more };
    return new Promise((resolve, reject) => {
      const request = send(`${this.url}${path}`, { method, headers, agent: this.#agent, timeout: silenceMs });
      request.on('response', (response) => {
        textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
      });
      request.on('timeout', () => request.destroy(new Error(`nothing for ${silenceMs / 1_000} s`)));
      request.on('error', reject);
      request.end(body);
    });
  }
}

/** A name or key as a part of a path; slashes stay, since keys have them. */
export function encoded(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

/** The fields with these names that have a value. */
export function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, fields[name]]),
  );
}

/** Runs `work` on all of `items`, on at most `limit` at once. */
export async function eachOf<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
