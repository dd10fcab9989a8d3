/**
 * Connections: one pool of kept-alive connections for each endpoint, plain or with TLS, shared by all requests
 * of a service. It knows nothing of balancing. With HTTP/1.1 there are as many connections as requests in flight, since
 * each request has one to itself; without a limit, no request waits for another's connection.
 */

import { type Instance, RegistryError } from '@rollcall/protocol';
import { type buildConnector, Pool } from 'undici';
import type { Endpoint } from '../endpoint.ts';
import { type Connecting, type ConnectionOptions, isSecure, tlsConnectionOptions } from './connecting.ts';
import { MultiplexedPool } from './multiplexed-pool.ts';

/** The part of undici's `Pool` that this file uses. */
export type EndpointPool = Pick<MultiplexedPool, 'dispatch' | 'request' | 'close' | 'destroy'>;

interface OpenPool {
  readonly pool: EndpointPool;
  readonly isSecure: boolean;
  /** Metadata of the instance when the pool was last used. */
  instance: Instance;
}

export class EndpointPools {
  readonly #pools = new Map<Endpoint, OpenPool>();
  /** Pools of endpoints that left and still have answers in progress. */
  readonly #closing = new Set<EndpointPool>();
  readonly #connecting: Connecting;
  #closed: Error | undefined;

  constructor(connecting: Connecting) {
    this.#connecting = connecting;
  }

  /**
   * @throws RegistryError `failed_precondition` when the instance has no port, or no valid address
   * @throws the reason given to `destroy`, after it
   */
  get(endpoint: Endpoint): EndpointPool {
    if (this.#closed !== undefined) throw this.#closed;
    const existing = this.#pools.get(endpoint);
    const { instance } = endpoint;
    if (existing?.instance === instance) return existing.pool;
    const secure = isSecure(instance, this.#connecting.tls);
    if (existing?.isSecure === secure) {
      existing.instance = instance;
      return existing.pool;
    }
    // Its metadata changed: the instance may have begun or ceased to use TLS.
    this.release([endpoint]);
    const pool = this.#open(endpoint, secure);
    this.#pools.set(endpoint, { pool, isSecure: secure, instance });
    return pool;
  }

  /** Closes the connections of endpoints that left: idle ones now, busy ones after their answer. */
  release(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      const pool = this.#pools.get(endpoint)?.pool;
      if (pool === undefined) continue;
      this.#pools.delete(endpoint);
      this.#closing.add(pool);
      const forget = () => this.#closing.delete(pool);
      void pool.close().then(forget, forget);
    }
  }

  /** Aborts all requests with `reason`; later ones get no connection. */
  async destroy(reason: Error): Promise<void> {
    this.#closed ??= reason;
    const pools = [...Array.from(this.#pools.values(), ({ pool }) => pool), ...this.#closing];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy(reason)));
  }

  #open({ instance, authority }: Endpoint, secure: boolean): EndpointPool {
    const { id, service, port } = instance;
    const problem = (cause?: unknown) =>
      new RegistryError(
        'failed_precondition',
        `instance ${id} of ${service} cannot be reached by HTTP: its address is "${authority}"; register a host and a port`,
        { cause },
      );
    if (port === 0) throw problem();
    try {
      const { connections } = this.#connecting;
      const connect = this.#connect(secure);
      if (secure && connections.http2 === true) return new MultiplexedPool(`https://${authority}`, connect, limitsOf(connections));
      return new Pool(`${secure ? 'https' : 'http'}://${authority}`, { connect, ...limitsOf(connections) });
    } catch (error) {
      throw problem(error);
    }
  }

  #connect(secure: boolean): buildConnector.BuildOptions {
    const { connectTimeoutMs, tls } = this.#connecting;
    return { timeout: connectTimeoutMs, ...(secure && tlsConnectionOptions(tls)) };
  }
}

function limitsOf({ max, idleMs, silenceMs }: ConnectionOptions): Pool.Options {
  return {
    ...(max !== undefined && { connections: max }),
    ...(idleMs !== undefined && { keepAliveTimeout: idleMs }),
    // Undici gives up after 300 s of silence, but an event stream may be silent for longer. Limits to the
    // headers are `tryTimeoutMs`.
    headersTimeout: 0,
    bodyTimeout: silenceMs ?? 0,
  };
}
