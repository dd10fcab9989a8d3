/**
 * Decides which requests may switch to another protocol. A server may ignore `Upgrade` (RFC 9110 §7.8), and must where it has no
 * other protocol: `curl --http2` and Java's `HttpClient` offer HTTP/2 to every plain server.
 */

import { IncomingMessage } from 'node:http';
import type { HttpService } from './frontend.ts';
import { pathOf } from './request-form.ts';

/** Node passes a request to the `upgrade` listener when its `upgrade` is true, and to the `request` listener otherwise. */
export function requestClass(services: readonly HttpService[]): typeof IncomingMessage {
  const prefixes = services.flatMap((service) => (service.upgrade === undefined ? [] : service.prefixes));
  const mayUpgrade = (url: string): boolean => {
    const path = pathOf(url);
    return prefixes.some((prefix) => path.startsWith(prefix));
  };
  return class extends IncomingMessage {
    #asks = false;

    /** Whether the connection switches. Node sets the wish of the client, and reads the decision. */
    get upgrade(): boolean {
      return this.#asks && (this.method === 'CONNECT' || mayUpgrade(this.url ?? ''));
    }

    set upgrade(asks: boolean | null) {
      // Node's constructor sets it before the private field exists.
      if (#asks in this) this.#asks = asks === true;
    }
  };
}
