/**
 * The front end for xDS: services as listeners, routes, clusters and endpoints, for clients of gRPC and Envoy. It has methods on the shared
 * gRPC listener only. It holds no registry state.
 */

import type { ZoneLoads } from '../../clients/zone-loads.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import type { GrpcMethod } from '../../net/grpc/method.ts';
import type { Xds, XdsOptions } from './xds.ts';

export function xds(context: Context, loads: ZoneLoads, options: XdsOptions = {}): Frontend {
  return new XdsFrontend(context, loads, options);
}

class XdsFrontend implements Frontend {
  readonly name = 'xds';
  readonly #context: Context;
  readonly #loads: ZoneLoads;
  readonly #options: XdsOptions;
  #xds: Xds | undefined;

  constructor(context: Context, loads: ZoneLoads, options: XdsOptions) {
    this.#context = context;
    this.#loads = loads;
    this.#options = options;
  }

  async grpc(): Promise<readonly GrpcMethod[]> {
    // The messages take a while to load.
    const { Xds } = await import('./xds.ts');
    this.#xds = new Xds(this.#context, this.#loads, this.#options);
    return this.#xds.methods;
  }

  async drain(): Promise<void> {
    await this.#xds?.drain();
  }

  async close(): Promise<void> {
    this.#xds?.close();
  }
}
