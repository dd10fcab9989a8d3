/**
 * Which requests may become another protocol. A server may leave `Upgrade` alone (RFC 9110 §7.8), and must where it
 * has nothing to offer: `curl --http2` and Java's `HttpClient` ask every plain server for HTTP/2 in passing.
 */

import { IncomingMessage } from 'node:http';
import type { HttpService } from './frontend.ts';
import { pathOf } from './request-form.ts';

/** Node hands a request to the `upgrade` listener when this says so, else to that of requests. */
export function requestClass(services: readonly HttpService[]): typeof IncomingMessage {
  const prefixes = services.flatMap((service) => (service.upgrade === undefined ? [] : service.prefixes));
  const mayUpgrade = (url: string): boolean => {
    const path = pathOf(url);
    return prefixes.some((prefix) => path.startsWith(prefix));
  };
  return class extends IncomingMessage {
    #asks = false;

    /** Whether the connection is handed over; Node sets what the client wants, and reads what is done. */
    get upgrade(): boolean {
      return this.#asks && (this.method === 'CONNECT' || mayUpgrade(this.url ?? ''));
    }

    set upgrade(asks: boolean | null) {
      // Node's own constructor sets it before there is a place for it.
      if (#asks in this) this.#asks = asks === true;
    }
  };
}
