/**
 * Connections to one endpoint when HTTP/2 is wanted. Requests without a body that may be sent twice share connections;
 * every other request has a connection to itself: on a shared one, undici would let it wait until all other requests on
 * it have ended (`busy` in its lib/dispatcher/client-h2.js), so behind an event stream it would wait without end. With
 * an endpoint that chooses HTTP/1.1, no connection is shared.
 */

import { buildConnector, Client, Pool, type Dispatcher } from 'undici';
import { isIdempotent } from '../resilience/retry.ts';

/** Requests at once on one connection; servers allow 100 or more by default (RFC 9113 §6.5.2 recommends no less). */
const streamsMax = 100;

export class MultiplexedPool {
  readonly #shared: Pool;
  readonly #single: Pool;

  /**
   * @param url of the endpoint, with the scheme `https:`
   * @param options without `connect`
   */
  constructor(url: string, connect: buildConnector.BuildOptions, options: Pool.Options) {
    const connector = buildConnector({ ...connect, allowH2: true });
    this.#single = new Pool(url, { ...options, connect: connector, allowH2: true });
    this.#shared = new Pool(url, {
      ...options,
      allowH2: true,
      factory: (origin, given) => {
        const client: Client = new Client(origin, {
          ...given,
          connect: (target, done) =>
            connector(target, (...result) => {
              const [error, socket] = result;
              // By default undici sends one request at a time on a connection, whatever its protocol.
              if (error === null) client.pipelining = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2' ? streamsMax : 1;
              done(...result);
            }),
        });
        return client;
      },
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const isShared = isIdempotent(request.method) && (request.body ?? undefined) === undefined;
    return (isShared ? this.#shared : this.#single).dispatch(isShared ? { ...request, idempotent: true } : request, handler);
  }

  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    return this.#shared.request(options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#shared.close(), this.#single.close()]);
  }

  async destroy(reason: Error): Promise<void> {
    await Promise.all([this.#shared.destroy(reason), this.#single.destroy(reason)]);
  }
}
