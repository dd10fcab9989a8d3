/**
 * Content that a page asks for again and again while it is open and in sight: the server answers only when something has changed, by its `ETag`.
 * Content stays when the server is away. While the console shows the past, the content of that time is asked for once.
 */

import { createEffect, createSignal, on, onCleanup, type Accessor } from 'solid-js';
import { send, whyUnanswered } from '../api.ts';
import { asOfMs } from './as-of.ts';
import { pendingContent } from './pending.ts';

export interface Polled<T> {
  readonly content: T | undefined;
  /** For people. */
  readonly error: string | undefined;
}

const pauseMs = 1_000;
/** Between two attempts while the server is away. */
const retryMsMax = 10_000;
/** Between two attempts of a caller who may not see the content: each of them is a line of the audit log. */
const deniedMs = 60_000;

/** The server says by this header that the answer shows the time that was asked for: `net/past.ts`. A list without a history does not send it. */
export const asOfHeader = 'x-rollcall-as-of';

const [unansweredMs, setUnansweredMs] = createSignal<number>();

/** Since when the server has answered none of the page's questions, in milliseconds since the Unix epoch; undefined while it answers. */
export const unansweredSinceMs: Accessor<number | undefined> = unansweredMs;

const [turn, setTurn] = createSignal(0);

/** Asks for all content of the page now: the operator has changed something. */
export function lookAgain(): void {
  setTurn((before) => before + 1);
}

/** @param isPaused while it is true, nothing new is shown */
export function polled<T>(path: string, headers: Readonly<Record<string, string>>, isPaused: Accessor<boolean>): Accessor<Polled<T>> {
  const [state, setState] = createSignal<Polled<T>>({ content: undefined, error: undefined });
  createEffect(on(asOfMs, (atMs) => {
    const come = pendingContent();
    const question = atMs === undefined ? new Repeated<T>(path, headers, isPaused) : new Once<T>(`${path}${path.includes('?') ? '&' : '?'}at=${atMs}`, headers);
    question.start({
      changed: (content) => {
        setState({ content, error: undefined });
        come();
      },
      same: () => {
        if (state().error !== undefined) setState(({ content }) => ({ content, error: undefined }));
      },
      failed: (error) => {
        // The content of another time is not what is asked for.
        setState(({ content }) => ({ content: atMs === undefined ? content : undefined, error }));
        come();
      },
    });
    createEffect(on(turn, () => question.lookNow(), { defer: true }));
    onCleanup(() => question.stop());
  }));
  return state;
}

interface Listener<T> {
  readonly changed: (content: T) => void;
  readonly same: () => void;
  readonly failed: (error: string) => void;
}

class Once<T> {
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #gone = new AbortController();

  constructor(path: string, headers: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#headers = headers;
  }

  start({ changed, failed }: Listener<T>): void {
    const ask = async (): Promise<{ readonly content: T } | { readonly why: string }> => {
      const response = await send(this.#path, { signal: this.#gone.signal, headers: this.#headers });
      if (!response.ok) return { why: await reasonOf(response) };
      if (!response.headers.has(asOfHeader)) return { why: 'this list has no history; go back to now to see it' };
      return { content: (await response.json()) as T };
    };
    void ask().catch((error: unknown) => ({ why: whyUnanswered(error) })).then((answer) => {
      if (this.#gone.signal.aborted) return;
      if ('why' in answer) failed(answer.why);
      else changed(answer.content);
    });
  }

  /** What was does not change. */
  lookNow(): void {}

  stop(): void {
    this.#gone.abort();
  }
}

type Asked<T> =
  | { readonly is: 'changed'; readonly content: T; readonly tookMs: number }
  | { readonly is: 'same' }
  | { readonly is: 'denied' | 'failed' | 'unreachable'; readonly why: string };

class Repeated<T> {
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #isPaused: Accessor<boolean>;
  readonly #gone = new AbortController();
  /** Undefined before it starts. */
  #listener: Listener<T> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitMs = pauseMs;
  #tag = '';
  /** When the server last answered it, in milliseconds since the Unix epoch; at first when it began. */
  #answeredMs = Date.now();

  constructor(path: string, headers: Readonly<Record<string, string>>, isPaused: Accessor<boolean>) {
    this.#path = path;
    this.#headers = headers;
    this.#isPaused = isPaused;
  }

  start(listener: Listener<T>): void {
    this.#listener = listener;
    void this.#look(listener);
    const { signal } = this.#gone;
    // A page that comes back into sight, or a machine that is connected again, shows what is new at once.
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.lookNow(), { signal });
    window.addEventListener('online', () => this.lookNow(), { signal });
  }

  /** Does nothing while an answer is on its way. */
  lookNow(): void {
    if (this.#timer === undefined || this.#listener === undefined) return;
    clearTimeout(this.#timer);
    void this.#look(this.#listener);
  }

  stop(): void {
    this.#gone.abort();
    clearTimeout(this.#timer);
    // Other questions of the page say again what they find.
    setUnansweredMs(undefined);
  }

  async #look(listener: Listener<T>): Promise<void> {
    this.#timer = undefined;
    const isWanted = !this.#isPaused() && document.visibilityState === 'visible';
    const answer = isWanted ? await this.#ask() : undefined;
    if (this.#gone.signal.aborted) return;
    this.#waitMs = this.#waitAfter(answer);
    if (answer?.is === 'unreachable') setUnansweredMs((before) => before ?? this.#answeredMs);
    else if (answer !== undefined) {
      this.#answeredMs = Date.now();
      setUnansweredMs(undefined);
    }
    this.#timer = setTimeout(() => void this.#look(listener), this.#waitMs);
    // Last: what fails while the page is drawn is a fault of the page, and stops no question.
    if (answer !== undefined) tell(listener, answer);
  }

  #waitAfter(answer: Asked<T> | undefined): number {
    switch (answer?.is) {
      case 'unreachable':
        return Math.min(2 * this.#waitMs, retryMsMax);
      case 'denied':
        return deniedMs;
      case 'changed':
        // A large list that changes all the time takes a tenth of the time at most.
        return Math.max(pauseMs, 9 * answer.tookMs);
      default:
        return pauseMs;
    }
  }

  async #ask(): Promise<Asked<T>> {
    const beganMs = performance.now();
    try {
      const response = await send(this.#path, { signal: this.#gone.signal, headers: { ...this.#headers, ...(this.#tag === '' ? {} : { 'if-none-match': this.#tag }) } });
      if (response.status === 304) return { is: 'same' };
      if (!response.ok) return { is: response.status === 401 || response.status === 403 ? 'denied' : 'failed', why: await reasonOf(response) };
      const content = (await response.json()) as T;
      this.#tag = response.headers.get('etag') ?? '';
      return { is: 'changed', content, tookMs: performance.now() - beganMs };
    } catch (error) {
      return { is: 'unreachable', why: whyUnanswered(error) };
    }
  }
}

function tell<T>({ changed, same, failed }: Listener<T>, answer: Asked<T>): void {
  if (answer.is === 'changed') changed(answer.content);
  else if (answer.is === 'same') same();
  else failed(answer.why);
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const { message } = (await response.json()) as { readonly message?: unknown };
    if (typeof message === 'string') return message;
  } catch {}
  return `the server answered with status ${response.status}`;
}
