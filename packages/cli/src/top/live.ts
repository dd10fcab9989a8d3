/** `rollcall top` while it runs: looks, keys, signals and sizes of the terminal lead to pictures (`frame.ts`) on the screen. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Target } from '../admin-call.ts';
import { signalNumber, stopSignals } from '../signals.ts';
import { colorsFor, type Terminal } from '../terminal.ts';
import { pressed, type View } from './controls.ts';
import { chrome, filtered, frame } from './frame.ts';
import type { Read, Reading } from './reading.ts';
import type { Sorting } from './rows.ts';
import { Screen } from './screen.ts';

export interface LiveOptions {
  readonly terminal: Terminal;
  readonly target: Target;
  readonly reading: Reading;
  readonly intervalMs: number;
  readonly sorting: Sorting;
  readonly filter: string;
}

/** Ctrl-C, as a shell counts it. */
const interrupted = 130;

export class Live {
  readonly #options: LiveOptions;
  readonly #screen: Screen;
  readonly #stopped = new AbortController();
  #view: View;
  #read: Read = { rows: [], missing: [] };
  #readAtMs = 0;
  /** Why the last look failed. */
  #failure: string | undefined;
  #exitCode = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#view = { sorting: options.sorting, filter: options.filter, isTyping: false, isPaused: false, offset: 0 };
    this.#screen = new Screen({ terminal: options.terminal, onKey: (key) => this.#press(key), onRedraw: () => this.#draw() });
  }

  /** @returns the exit code, once a key or a signal has ended it */
  async run(first: Read): Promise<number> {
    const { signal } = this.#stopped;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    void stopSignals().first.then((received) => this.#end(128 + signalNumber(received)));
    this.#take(first);
    this.#screen.open();
    try {
      this.#draw();
      this.#schedule();
      await ended;
    } finally {
      clearTimeout(this.#timer);
      this.#screen.close();
    }
    return this.#exitCode;
  }

  #end(exitCode: number): void {
    this.#exitCode = exitCode;
    this.#stopped.abort();
  }

  #take(read: Read): void {
    this.#read = read;
    this.#readAtMs = performance.now();
    this.#failure = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#options.intervalMs);
  }

  async #look(): Promise<void> {
    try {
      if (!this.#view.isPaused) this.#take(await this.#options.reading.read(this.#stopped.signal));
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    if (this.#stopped.signal.aborted) return;
    this.#draw();
    this.#schedule();
  }

  #press(key: string): void {
    const page = Math.max(1, this.#screen.size.lines - chrome);
    const view = pressed(this.#view, key, page);
    if (view === undefined) {
      this.#end(key === '\x03' ? interrupted : 0);
      return;
    }
    const last = Math.max(0, filtered(this.#read.rows, view.filter).length - page);
    this.#view = { ...view, offset: Math.min(view.offset, last) };
    this.#draw();
  }

  #draw(): void {
    const { target, terminal } = this.#options;
    const reason = this.#failure;
    const stale = reason === undefined ? undefined : { reason, seconds: Math.round((performance.now() - this.#readAtMs) / 1_000) };
    const shown = { ...this.#view, ...this.#read, registry: target.servers[0] ?? '', namespace: target.namespace ?? defaultNamespace, stale };
    this.#screen.draw(frame(shown, this.#screen.size, colorsFor(terminal.stdout, terminal.env)));
  }
}
