/**
 * The connections and the telemetry of a service's requests. Both are loaded with the first request, because
 * undici and OpenTelemetry take longer to load than the rest of the client. It sends nothing itself.
 */

import type { Dispatcher } from 'undici';
import type { Endpoint } from '../endpoint.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Connecting } from './connecting.ts';
import type { EndpointPools } from './endpoint-pools.ts';

/** The parts that are loaded later. */
export interface LoadedTransport {
  readonly pools: EndpointPools;
  readonly telemetry: Telemetry;
  /** The dispatcher of the whole process, which gets requests to other hosts. */
  elsewhere(): Dispatcher;
}

export class Transport {
  readonly #service: string;
  readonly #connecting: Connecting;
  #loading: Promise<LoadedTransport> | undefined;
  #loaded: LoadedTransport | undefined;
  #closed: Error | undefined;

  constructor(service: string, connecting: Connecting) {
    this.#service = service;
    this.#connecting = connecting;
  }

  /** Undefined before the first request. */
  get loaded(): LoadedTransport | undefined {
    return this.#loaded;
  }

  /** @throws the reason given to `destroy`, after it */
  load(): Promise<LoadedTransport> {
    return (this.#loading ??= this.#load());
  }

  /** Closes the connections of endpoints that left: idle ones now, busy ones after their answer. */
  release(endpoints: readonly Endpoint[]): void {
    this.#loaded?.pools.release(endpoints);
  }

  /** Aborts all requests with `reason`; later ones get no connection. */
  async destroy(reason: Error): Promise<void> {
    this.#closed ??= reason;
    await this.#loaded?.pools.destroy(reason);
  }

  async #load(): Promise<LoadedTransport> {
    const [{ EndpointPools }, { Telemetry }, { getGlobalDispatcher }] = await Promise.all([
      import('./endpoint-pools.ts'),
      import('../telemetry/telemetry.ts'),
      import('undici'),
    ]);
    if (this.#closed !== undefined) throw this.#closed;
    const pools = new EndpointPools(this.#connecting);
    return (this.#loaded = { pools, telemetry: new Telemetry(this.#service, this.#connecting.tls), elsewhere: getGlobalDispatcher });
  }
}
