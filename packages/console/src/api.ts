/** Requests to the JSON API of this server. The browser adds the cookie of the session; a page never sees the token. */

import { pageKeyHeader, withTimeLimit, type ExplainedDenial } from '@rollcall/protocol';
import { pageKey } from './page-key.ts';

/** An error that the server or the network gave, for people. */
export class ApiError extends Error {
  /** One of docs/reference/errors.md; `unreachable` when there was no answer. */
  readonly code: string;
  /** Why the caller may not do it, if that is the error. */
  readonly denial: ExplainedDenial | undefined;

  constructor(code: string, message: string, denial?: ExplainedDenial) {
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

/**
 * Longest time for an answer with its content. The slowest requests ask a webhook of the operator (5 s) and other nodes (2 s), of a server that may be busy.
 */
const answerMsMax = 30_000;

type SendOptions = Omit<RequestInit, 'headers' | 'signal'> & AskOptions;

/** As `fetch`, with the page's half of its session and a limit of time, also for reading the answer. */
export function send(path: string, { headers = {}, signal, ...init }: SendOptions = {}): Promise<Response> {
  return fetch(path, { ...init, signal: withTimeLimit(answerMsMax, signal), headers: { ...headers, [pageKeyHeader]: pageKey() } });
}

/** Why there is no answer, in plain words. @param isChange whether the request was to change something */
export function whyUnanswered(error: unknown, isChange = false): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `the server has not answered for ${answerMsMax / 1_000} s${isChange ? '; whether it did what was asked is not known, so look before you try again' : ''}`;
  }
  // The browser's own words for this are "Failed to fetch".
  if (error instanceof TypeError) return 'the server cannot be reached';
  return error instanceof Error ? error.message : String(error);
}

/** @throws ApiError */
export async function ask<T>(method: Method, path: string, body?: unknown, { headers = {}, signal }: AskOptions = {}): Promise<T> {
  const content = body === undefined ? { headers } : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } };
  const unanswered = (error: unknown): never => {
    throw new ApiError('unreachable', whyUnanswered(error, method !== 'GET'));
  };
  const response = await send(path, { method, ...content, ...(signal === undefined ? {} : { signal }) }).catch(unanswered);
  const text = await response.text().catch(unanswered);
  if (!response.ok) throw errorIn(response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function errorIn(status: number, text: string): ApiError {
  try {
    const { code, message, denial } = JSON.parse(text) as { code?: unknown; message?: unknown; denial?: ExplainedDenial };
    if (typeof code === 'string' && typeof message === 'string') return new ApiError(code, message, denial);
  } catch {}
  return new ApiError(`status ${status}`, text.slice(0, 500) || `the server answered with status ${status}`);
}
