/**
 * A tap on the log: passes each line on, and gives it to listeners as well. A listener must not throw, or the log would
 * stop.
 */

import { symbols, type DestinationStream, type Logger } from 'pino';

export type LineListener = (line: string) => void;

/** Where lines of a log come from: its tap, or all processes of a server. */
export interface LogLines {
  /** @returns removes the listener */
  listen(listener: LineListener): () => void;
}

/** Takes the lines; a destination that writes in the background can be flushed. */
export interface LineSink extends DestinationStream {
  flush?(done?: (error?: Error) => void): void;
  flushSync?(): void;
}

export class LogTap implements DestinationStream, LogLines {
  readonly #next: LineSink;
  readonly #listeners = new Set<LineListener>();

  /** @param next takes the lines */
  constructor(next: LineSink) {
    this.#next = next;
  }

  /** The tap of a log or of its parent; undefined when there is none. */
  static of(log: Logger): LogTap | undefined {
    const { [symbols.streamSym]: stream } = log as { readonly [symbols.streamSym]?: unknown };
    return stream instanceof LogTap ? stream : undefined;
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** @returns a function that removes the listener */
  listen(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(line: string): void {
    this.#next.write(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** Pino calls these, if present, when lines must be written before it goes on. */
  flush(done?: (error?: Error) => void): void {
    if (this.#next.flush === undefined) done?.();
    else this.#next.flush(done);
  }

  flushSync(): void {
    this.#next.flushSync?.();
  }
}
