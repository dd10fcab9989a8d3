/**
 * A front end over HTTP whose program is loaded at the first request for one of its paths, or a second after the start if none came. A server
 * is ready before it has loaded the protocols that no client uses yet. Requests that arrive while the program is loaded wait for it.
 *
 * Node never reads a module again that it could not read once, for example because the process had no file handle left. The front end then
 * refuses all its requests with 503 until the server is restarted, and the log has the reason. All programs are loaded soon after the
 * start for this reason, and because the files on disk may be those of another version later.
 */

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Exchange, Frontend, HttpService } from './frontend.ts';

export interface LateFrontendOptions {
  readonly name: string;
  /** Those that the front end itself declares. */
  readonly prefixes: readonly string[];
  /** As `HttpService.home`. */
  readonly home?: string | undefined;
  /** Loads the program and creates the front end, which has neither listeners of its own nor upgrades. */
  readonly make: () => Promise<Frontend>;
  readonly log: Logger;
}

/** Clients that return at a restart get their answers first. */
const untilLoadedMs = 1_000;

export class LateFrontend implements Frontend {
  readonly name: string;
  readonly http: HttpService;
  readonly #options: LateFrontendOptions;
  #loading: Promise<void> | undefined;
  #frontend: Frontend | undefined;
  #isDraining = false;
  #isClosing = false;

  constructor(options: LateFrontendOptions) {
    this.name = options.name;
    this.http = { prefixes: options.prefixes, home: options.home, handle: (exchange) => this.#handle(exchange) };
    this.#options = options;
  }

  /** Resolves when the program is loaded, and when it cannot be. */
  load(): Promise<void> {
    return (this.#loading ??= this.#load());
  }

  membersChanged(): void {
    this.#frontend?.membersChanged?.();
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#frontend?.drain?.();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#loading;
    await this.#frontend?.close();
  }

  #handle(exchange: Exchange): void {
    const service = this.#frontend?.http;
    if (service !== undefined) service.handle(exchange);
    else if (this.#isClosing && this.#loading === undefined) refuse(exchange, 'the server is closing');
    else void this.load().then(() => this.#handleLoaded(exchange));
  }

  #handleLoaded(exchange: Exchange): void {
    // The client may have gone meanwhile, and no event would tell the front end.
    if (exchange.request.socket.destroyed) return;
    const service = this.#frontend?.http;
    if (service !== undefined) service.handle(exchange);
    else refuse(exchange, `the program of ${this.name} could not be loaded; the log of this server says why, and a restart tries again`);
  }

  async #load(): Promise<void> {
    const { name, prefixes, make, log } = this.#options;
    try {
      const frontend = await make();
      const served = frontend.http?.prefixes.join(', ');
      if (served !== prefixes.join(', ')) throw new Error(`the table has the prefixes ${prefixes.join(', ')} for ${name}, which serves ${served}`);
      await frontend.start?.();
      this.#frontend = frontend;
      if (this.#isDraining) await frontend.drain?.();
    } catch (err) {
      log.error({ err, frontend: name }, 'a front end could not be loaded: all its requests are refused until this server is restarted');
    }
  }
}

/**
 * Loads, one after another, those that no request has loaded.
 * @returns stops it; one that is being loaded is loaded to the end
 */
export function loadSoon(frontends: readonly Frontend[], clock: Clock): () => void {
  let stopped = false;
  const loadAll = async () => {
    for (const frontend of frontends) if (!stopped && frontend instanceof LateFrontend) await frontend.load();
  };
  const cancel = clock.timer(untilLoadedMs, () => void loadAll());
  return () => {
    stopped = true;
    cancel();
  };
}

function refuse({ response }: Exchange, reason: string): void {
  response.shouldKeepAlive = false;
  response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(reason) + 1 });
  response.end(`${reason}\n`);
}
