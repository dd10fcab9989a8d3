/**
 * The log of a server with workers, as those who follow it see it: the lines of all its processes. The primary gathers them from its
 * workers while a process follows them; a worker asks the primary. Lines that are not taken in time are left out, and their number is told.
 */

import type { Clock } from './clock.ts';
import type { Link } from './cluster/channel/link.ts';
import type { Methods, Peer } from './cluster/channel/peer.ts';
import type { LineListener, LogLines } from './telemetry/log-tap.ts';

/** Lines that may wait for the channel. */
const waitingMax = 1_000;

/** Pause before a worker asks the primary again. */
const againMs = 1_000;

/** The lines of the primary and of its workers. */
export class AllLogLines implements LogLines {
  readonly #own: LogLines | undefined;
  readonly #listeners = new Set<LineListener>();
  /** Each with what ends following it; nothing while there are no listeners. */
  readonly #workers = new Map<Peer, AbortController | undefined>();
  #stopOwn: (() => void) | undefined;

  /** @param own of this process, if its log can be followed */
  constructor(own: LogLines | undefined) {
    this.#own = own;
  }

  listen(listener: LineListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#stopOwn = this.#own?.listen((line) => this.#tell(line));
      for (const peer of this.#workers.keys()) this.#follow(peer);
    }
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#stopOwn?.();
      for (const [peer, following] of this.#workers) {
        following?.abort();
        this.#workers.set(peer, undefined);
      }
    };
  }

  /** A worker has connected. @returns it has gone */
  add(worker: Peer): () => void {
    this.#workers.set(worker, undefined);
    if (this.#listeners.size > 0) this.#follow(worker);
    return () => {
      this.#workers.get(worker)?.abort();
      this.#workers.delete(worker);
    };
  }

  /** What workers may ask. */
  get methods(): Methods {
    return { 'log-lines': streamOf(this) };
  }

  #follow(worker: Peer): void {
    const following = new AbortController();
    this.#workers.set(worker, following);
    // A worker that ends takes its lines with it.
    void eachLine(worker.stream('own-log-lines', Buffer.of(), following.signal), (line) => this.#tell(line)).catch(() => {});
  }

  #tell(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }
}

/** All lines, for a worker, by way of the primary. @param link to it */
export function logLinesOfWorker(link: Link, clock: Clock): LogLines {
  return {
    listen(listener) {
      const stop = new AbortController();
      void (async () => {
        while (await link.connected(stop.signal)) {
          await eachLine(link.stream('log-lines', Buffer.of(), stop.signal), listener).catch(() => {});
          if (!stop.signal.aborted) await new Promise<void>((again) => clock.timer(againMs, again));
        }
      })();
      return () => stop.abort();
    },
  };
}

/** What the primary may ask of a worker. */
export function ownLinesMethods(own: LogLines | undefined): Methods {
  return own === undefined ? {} : { 'own-log-lines': streamOf(own) };
}

async function eachLine(bodies: AsyncIterable<Buffer>, listener: LineListener): Promise<void> {
  for await (const body of bodies) for (const line of JSON.parse(body.toString()) as string[]) listener(line);
}

/** Sends the lines that come in one turn together. */
function streamOf(lines: LogLines): Methods[string] {
  return {
    kind: 'stream',
    async *run(_body, signal) {
      let waiting: string[] = [];
      let leftOut = 0;
      let wake = () => {};
      const stop = lines.listen((line) => {
        if (waiting.length < waitingMax) waiting.push(line);
        else leftOut++;
        wake();
      });
      const onAbort = () => wake();
      signal.addEventListener('abort', onAbort);
      try {
        while (!signal.aborted) {
          if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
          if (signal.aborted) return;
          const sent = waiting;
          if (leftOut > 0) sent.push(leftOutLine(leftOut, sent.at(-1) as string));
          waiting = [];
          leftOut = 0;
          yield Buffer.from(JSON.stringify(sent));
        }
      } finally {
        stop();
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** As pino writes a warning. */
function leftOutLine(count: number, after: string): string {
  const { time } = JSON.parse(after) as { time: unknown };
  return `${JSON.stringify({ level: 40, time, msg: `${count} lines of another process were left out, since there were too many at once` })}\n`;
}
