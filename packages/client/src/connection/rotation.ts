/**
 * Which server to try next. The list is shuffled once, so that many clients with the same list spread over the
 * servers; then the servers are tried in turn.
 */

import { RegistryError, streamPath } from '@rollcall/protocol';
import type { Random } from '../clock.ts';

export class Rotation {
  readonly #servers: string[];
  #next = 0;
  /** Servers in a row that did not follow their store. */
  #stale = 0;
  #hints: string[] = [];

  /** @param servers base URLs as `serverUrl` returns them; at least one */
  constructor(servers: readonly string[], random: Random) {
    this.#servers = [...servers];
    for (let last = this.#servers.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [this.#servers[last], this.#servers[other]] = [this.#servers[other] as string, this.#servers[last] as string];
    }
  }

  get size(): number {
    return this.#servers.length;
  }

  next(): string {
    const hint = this.#hints.shift();
    if (hint !== undefined) return hint;
    return this.#servers[this.#next++ % this.#servers.length] as string;
  }

  /**
   * Whether to go on to the next server, since this one does not follow its store. Once all of them were found so, any is as good.
   * @param isStale what the server's welcome says
   */
  passesOver(isStale: boolean): boolean {
    if (!isStale) this.#stale = 0;
    if (!isStale || this.#stale >= this.#servers.length - 1) return false;
    this.#stale++;
    return true;
  }

  /**
   * Puts the servers that a closing server named first: each is tried once before the list continues. A client that uses TLS
   * never sends its token without TLS, not even to a server that another server named.
   */
  prefer(servers: readonly string[]): void {
    const withTls = this.#servers.every((server) => server.startsWith('https:'));
    this.#hints = servers.slice(0, hintsMax).flatMap((server) => {
      try {
        const url = serverUrl(server);
        return withTls && !url.startsWith('https:') ? [] : [url];
      } catch {
        return [];
      }
    });
  }
}

const hintsMax = 16;

/**
 * @param server `http://host:port`, `https://host:port`, or `host:port`
 * @returns the base URL
 * @throws RegistryError `invalid_argument`
 */
export function serverUrl(server: string): string {
  const refuse = (why: string) =>
    new RegistryError('invalid_argument', `server ${JSON.stringify(server)} ${why}; write http://host:port`);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`);
  } catch {
    throw refuse('is not a URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refuse('is neither http nor https');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw refuse('has more than a host and a port');
  if (url.username !== '' || url.password !== '') throw refuse('has a user name, which is not supported');
  return url.origin;
}

/** The WebSocket URL of a server's stream. */
export function streamUrl(server: string): string {
  return `${server.replace(/^http/, 'ws')}${streamPath}`;
}
