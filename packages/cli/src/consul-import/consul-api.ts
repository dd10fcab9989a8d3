/** Requests to Consul's HTTP API, of a Consul or of a Rollcall: JSON, a token, and refusals with their text. */

import { CommandFailure, exitCodes } from '../failure.ts';

/** What an API object looks like before anybody has looked at it. */
export type Fields = Readonly<Record<string, unknown>>;

/** An answer that is no success. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${text.trim().slice(0, 300) || 'no reason given'} (${status})`);
    this.name = 'Refusal';
    this.status = status;
  }
}

export interface ConsulApiOptions {
  /** Without a path. */
  readonly url: string;
  readonly token: string | undefined;
  /** `globalThis.fetch`, or one that trusts other certificates. */
  readonly fetch: typeof globalThis.fetch;
}

/** Longest that an answer may take: a catalog of ten thousand nodes takes seconds. */
const patienceMs = 60_000;

export class ConsulApi {
  readonly url: string;
  readonly #options: ConsulApiOptions;

  constructor(options: ConsulApiOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** @throws Refusal; CommandFailure `unreachable` */
  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text('GET', path)) as T;
  }

  /** Undefined where a get is answered with a 404. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @throws Refusal; CommandFailure `unreachable` */
  async text(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<string> {
    const { token, fetch } = this.#options;
    let status: number;
    let text: string;
    try {
      const answer = await fetch(`${this.url}${path}`, {
        ...{ method, redirect: 'error', signal: AbortSignal.timeout(patienceMs) },
        ...(body === undefined ? {} : { body }),
        ...(token === undefined ? {} : { headers: { 'X-Consul-Token': token } }),
      });
      ({ status } = answer);
      text = await answer.text();
    } catch (error) {
      throw this.#unreachable(error as Error);
    }
    if (status !== 200) throw new Refusal(status, text);
    return text;
  }

  #unreachable(error: Error): CommandFailure {
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
    return new CommandFailure(exitCodes.unreachable, `no answer from ${this.url} (${code ?? message})`, { cause: error });
  }
}

/** A name or key as a part of a path; slashes stay, since keys have them. */
export function encoded(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

/** Of `fields`, those with these names that have a value. */
export function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, fields[name]]),
  );
}

/** Runs `work` on all of `items`, on at most `limit` at the same time. */
export async function eachOf<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
