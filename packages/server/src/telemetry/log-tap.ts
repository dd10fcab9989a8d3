/**
 * A tap on the log: each listener gets every line as it is written, and the line goes on to where it was going
 * anyway. Knows nothing of who listens; a listener that throws would stop the log, so it must not.
 */

import { symbols, type DestinationStream, type Logger } from 'pino';

export type LineListener = (line: string) => void;

/** Where lines go; one that writes in the background can be flushed. */
export interface LineSink extends DestinationStream {
  flush?(done?: (error?: Error) => void): void;
  flushSync?(): void;
}

export class LogTap implements DestinationStream {
  readonly #next: LineSink;
  readonly #listeners = new Set<LineListener>();

  /** @param next where the lines go */
  constructor(next: LineSink) {
    this.#next = next;
  }

  /** The tap that a log (or the log that it is a child of) writes through, if there is one. */
  static of(log: Logger): LogTap | undefined {
    const { [symbols.streamSym]: stream } = log as { readonly [symbols.streamSym]?: unknown };
    return stream instanceof LogTap ? stream : undefined;
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** @returns ends it */
  listen(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(line: string): void {
    this.#next.write(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** Pino calls these, if they are there, when lines have to be out before something else. */
  flush(done?: (error?: Error) => void): void {
    if (this.#next.flush === undefined) done?.();
    else this.#next.flush(done);
  }

  flushSync(): void {
    this.#next.flushSync?.();
  }
}
