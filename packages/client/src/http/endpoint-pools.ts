/**
 * Connections: one pool of kept-alive HTTP/1.1 connections for each endpoint, shared by all requests
 * of a service. It knows nothing of balancing. The number of connections is bounded by that of the
 * requests in flight, since each has one to itself and none waits for another's.
 */

import { RegistryError } from '@rollcall/protocol';
import { Pool } from 'undici';
import type { Endpoint } from '../endpoint.ts';

export class EndpointPools {
  readonly #pools = new Map<Endpoint, Pool>();
  /** Pools of endpoints that left, with answers under way. */
  readonly #closing = new Set<Pool>();
  readonly #connectTimeoutMs: number;
  #closed: Error | undefined;

  constructor(connectTimeoutMs: number) {
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /**
   * @throws RegistryError `failed_precondition` when the instance has no port, or no valid address
   * @throws what `destroy` was given, after it
   */
  get(endpoint: Endpoint): Pool {
    if (this.#closed !== undefined) throw this.#closed;
    const existing = this.#pools.get(endpoint);
    if (existing !== undefined) return existing;
    const pool = this.#open(endpoint);
    this.#pools.set(endpoint, pool);
    return pool;
  }

  /** Closes the connections of endpoints that left: idle ones now, busy ones after their answer. */
  release(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      const pool = this.#pools.get(endpoint);
      if (pool === undefined) continue;
      this.#pools.delete(endpoint);
      this.#closing.add(pool);
      const forget = () => this.#closing.delete(pool);
      void pool.close().then(forget, forget);
    }
  }

  /** Breaks off what is under way, with `reason`, and opens no connection any more. */
  async destroy(reason: Error): Promise<void> {
    this.#closed ??= reason;
    const pools = [...this.#pools.values(), ...this.#closing];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy(reason)));
  }

  #open({ instance, authority }: Endpoint): Pool {
    const { id, service, port } = instance;
    const problem = (cause?: unknown) =>
      new RegistryError(
        'failed_precondition',
        `instance ${id} of ${service} cannot be reached by HTTP: its address is "${authority}"; register a host and a port`,
        { cause },
      );
    if (port === 0) throw problem();
    try {
      return new Pool(`http://${authority}`, { connectTimeout: this.#connectTimeoutMs });
    } catch (error) {
      throw problem(error);
    }
  }
}
