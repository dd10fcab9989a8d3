/** Requests to the JSON API of this server. The browser adds the cookie of the session; a page never sees the token. */

import { pageKeyHeader } from '@rollcall/protocol';
import { pageKey } from './page-key.ts';

/** Why a caller may not do something (`security/denials.ts` of the server). */
export interface Denial {
  readonly subject: string;
  readonly namespace: string;
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
  readonly rule: { readonly source: string; readonly text: string };
  readonly grantors?: { readonly tokens: readonly string[]; readonly policies: readonly string[] };
}

/** An error that the server or the network gave, for people. */
export class ApiError extends Error {
  /** One of docs/reference/errors.md; `unreachable` when there was no answer. */
  readonly code: string;
  /** Why the caller may not do it, if that is the error. */
  readonly denial: Denial | undefined;

  constructor(code: string, message: string, denial?: Denial) {
    super(message);
    this.code = code;
    this.denial = denial;
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** As `fetch`, with the page's half of its session. */
export function send(path: string, { headers = {}, ...init }: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Response> {
  return fetch(path, { ...init, headers: { ...headers, [pageKeyHeader]: pageKey() } });
}

/** @throws ApiError */
export async function ask<T>(method: Method, path: string, body?: unknown, { headers = {}, signal }: AskOptions = {}): Promise<T> {
  const content = body === undefined ? { headers } : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } };
  const response = await send(path, { method, ...content, ...(signal === undefined ? {} : { signal }) }).catch((error: unknown) => {
    throw new ApiError('unreachable', error instanceof Error ? error.message : String(error));
  });
  const text = await response.text();
  if (!response.ok) throw errorIn(response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function errorIn(status: number, text: string): ApiError {
  try {
    const { code, message, denial } = JSON.parse(text) as { code?: unknown; message?: unknown; denial?: Denial };
    if (typeof code === 'string' && typeof message === 'string') return new ApiError(code, message, denial);
  } catch {}
  return new ApiError(`status ${status}`, text.slice(0, 500) || `the server answered with status ${status}`);
}
