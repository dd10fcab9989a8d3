/** Watches recent changes from the first request for a delta on. */

import type { Context } from '../../net/frontend.ts';
import { inTurns } from '../../in-turns.ts';
import { instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { namespace } from './names.ts';
import { RecentChanges } from './recent-changes.ts';

export class DeltaWatch {
  readonly recent: RecentChanges;
  readonly #context: Context;
  readonly #stop: () => void;
  #seeding: Promise<void> | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.recent = new RecentChanges(context.registry, context.clock);
    this.#stop = context.registry.observe(this.recent);
  }

  async start(): Promise<void> {}

  /** A client has asked for a delta. Resolves when the changes of the last three minutes are known. */
  used(): Promise<void> {
    return (this.#seeding ??= this.#seed());
  }

  close(): void {
    this.#stop();
  }

  async #seed(): Promise<void> {
    this.recent.activate();
    await inTurns(this.recent.seed(instances(this.#context)));
  }
}

/** All instances, in no particular order. */
function* instances({ registry: { state } }: Context): Generator<InstanceRow, void, undefined> {
  for (const service of servicesOf(state).names(namespace)) yield* instancesOfService(state, namespace, service);
}
