/**
 * The two forms of undici's handlers: the one that `fetch` and `request` of undici 7 use (`onConnect` …), and
 * that of interceptors and of later versions (`onRequestStart` …). This package uses only the first form.
 * (https://undici.nodejs.org/#/docs/api/Dispatcher, "DispatchHandler")
 */

import type { Dispatcher } from 'undici';
import type { FetchHandler } from './try.ts';

type Headers = Record<string, string | string[]>;

/**
 * The handler in the form that exchanges speak. Undici's own wrapper, which `compose` puts around handlers of the first
 * form, has both: its first form costs nothing, while its second one turns every header into an object and back.
 */
export function fetchHandler(handler: Dispatcher.DispatchHandler): FetchHandler {
  const hasFirst = handler.onConnect !== undefined && handler.onHeaders !== undefined;
  if (hasFirst || handler.onRequestStart === undefined) return handler as FetchHandler;
  return new Translated(handler);
}

class Translated implements FetchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  #controller: Control | undefined;

  constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler;
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#controller = new Control(abort);
    this.#handler.onRequestStart?.(this.#controller, {});
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    const controller = this.#known;
    controller.rawHeaders = headers;
    controller.resumes = resume;
    this.#handler.onResponseStart?.(controller, status, headersOf(headers), statusText);
    return !controller.paused;
  }

  onData(chunk: Buffer): boolean {
    this.#handler.onResponseData?.(this.#known, chunk);
    return !this.#known.paused;
  }

  onComplete(trailers: string[] | null): void {
    this.#handler.onResponseEnd?.(this.#known, headersOf(trailers ?? []));
  }

  onError(error: Error): void {
    this.#handler.onResponseError?.(this.#known, error);
  }

  /** Also handles errors that come before the request was sent. */
  get #known(): Control {
    return (this.#controller ??= new Control(() => {}));
  }
}

/** Lets the receiver of an answer pause or abort it. */
class Control implements Dispatcher.DispatchController {
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  reason: Error | null = null;
  paused = false;
  resumes: () => void = () => {};
  readonly #abort: (reason?: Error) => void;

  constructor(abort: (reason?: Error) => void) {
    this.#abort = abort;
  }

  get aborted(): boolean {
    return this.reason !== null;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumes();
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.reason = reason;
    this.#abort(reason);
  }
}

/** Names in lower case; a header that occurs several times becomes a list (RFC 9110 §5.2). */
function headersOf(raw: readonly (Buffer | string)[]): Headers {
  const headers = Object.create(null) as Headers;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = text(raw[at]).toLowerCase();
    const value = text(raw[at + 1]);
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function text(raw: Buffer | string | undefined): string {
  return typeof raw === 'string' ? raw : (raw?.toString('latin1') ?? '');
}
