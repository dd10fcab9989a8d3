/**
 * The front end for flagd's sync protocol: providers of OpenFeature that evaluate flags in their process get a configuration of flags, and each
 * new release of it. It has methods on the shared gRPC listener only, and holds no registry state.
 */

import type { Context, Frontend } from '../../net/frontend.ts';
import type { GrpcMethod } from '../../net/grpc/method.ts';
import type { FlagSync } from './flag-sync.ts';

export function flagd(context: Context): Frontend {
  return new FlagdFrontend(context);
}

class FlagdFrontend implements Frontend {
  readonly name = 'flagd';
  readonly #context: Context;
  #sync: FlagSync | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  async grpc(): Promise<readonly GrpcMethod[]> {
    const { FlagSync } = await import('./flag-sync.ts');
    this.#sync = new FlagSync(this.#context);
    return this.#sync.methods;
  }

  async close(): Promise<void> {
    this.#sync?.close();
  }
}
