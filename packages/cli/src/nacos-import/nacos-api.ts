/** Nacos' HTTP API, of a Nacos or of a Rollcall: parameters, the two envelopes of answers, pages, and the login. */

import type { Credentials } from '@rollcall/client';
import { HttpApi, Refusal, type Fields } from '../import/http-api.ts';
import type { ImportRun } from '../import/run.ts';

export const kinds = ['namespaces', 'configurations', 'gray releases', 'services', 'instances'] as const;
export type Kind = (typeof kinds)[number];
export type NacosRun = ImportRun<NacosApi, Kind>;

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** Entries of a page. */
const pageSize = 100;

export interface NacosApiOptions {
  /** Without a path. */
  readonly url: string;
  readonly credentials: Pick<Credentials, 'tls' | 'token'>;
}

export class NacosApi extends HttpApi {
  constructor({ url, credentials }: NacosApiOptions) {
    const { token } = credentials;
    // Nacos reads the first, Rollcall either.
    super({ url, credentials, headers: token === undefined ? {} : { accessToken: token, Authorization: `Bearer ${token}` } });
  }

  /**
   * The value of an answer, without the envelope of the later versions of the API.
   * @param path below `/nacos`
   * @throws Refusal; CommandFailure `unreachable`
   */
  async read<T>(path: string, parameters: Parameters = {}): Promise<T> {
    const answer = JSON.parse(await this.text('GET', pathOf(path, parameters))) as { readonly code?: number; readonly message?: string | null; readonly data?: T };
    if (typeof answer !== 'object' || answer === null || answer.code === undefined) return answer as T;
    if (answer.code !== 0 && answer.code !== 200) throw new Refusal(answer.code, answer.message ?? '');
    return answer.data as T;
  }

  /** Undefined when there is no such thing. */
  readIfThere<T>(path: string, parameters: Parameters): Promise<T | undefined> {
    return this.#ifThere(async () => (await this.read<T | null>(path, parameters)) ?? undefined);
  }

  /** The body as it is, without an envelope; undefined when there is no such thing. */
  textIfThere(path: string, parameters: Parameters): Promise<string | undefined> {
    return this.#ifThere(() => this.text('GET', pathOf(path, parameters)));
  }

  async #ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      // 20004 is the number of the later versions for it, and their beta question says so by a 5xx.
      if (error instanceof Refusal && [404, 20_004, 30_000, 500].includes(error.status)) return undefined;
      throw error;
    }
  }

  /** All entries of a list that comes in pages. @param entries finds them in the answer */
  async *pages<T>(path: string, parameters: Parameters, entries: (page: Fields) => readonly T[]): AsyncGenerator<T> {
    for (let pageNo = 1; ; pageNo++) {
      const found = entries(await this.read<Fields>(path, { ...parameters, pageNo, pageSize }));
      yield* found;
      if (found.length < pageSize) return;
    }
  }
}

/** @param path below `/nacos` */
function pathOf(path: string, parameters: Parameters = {}): string {
  const query = encodeForm(parameters);
  return `/nacos${path}${query === '' ? '' : `?${query}`}`;
}

function encodeForm(parameters: Parameters): string {
  return new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)])).toString();
}

/** Sends a form, unless this is a dry run. */
export function write(run: NacosRun, method: 'POST' | 'PUT', path: string, form: Parameters, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return run.write(method, pathOf(path), encodeForm(form), { 'Content-Type': 'application/x-www-form-urlencoded', ...headers });
}

/** The token that a Nacos gives for a name and a password. @throws Refusal */
export async function logIn(api: NacosApi, username: string, password: string): Promise<string> {
  const form = encodeForm({ username, password });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const answer = await api.text('POST', '/nacos/v3/auth/user/login', form, headers).catch((error: unknown) => {
    // Before its third version.
    if (error instanceof Refusal && (error.status === 404 || error.status === 501)) return api.text('POST', '/nacos/v1/auth/login', form, headers);
    throw error;
  });
  return (JSON.parse(answer) as { readonly accessToken: string }).accessToken;
}
