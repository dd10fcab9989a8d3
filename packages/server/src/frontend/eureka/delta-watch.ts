/**
 * Decides when recent changes are watched: from the first list or delta on that a client reads, on every node of the store and after every
 * restart, since clients go on with deltas wherever they are. While it is so, the registry keeps departures, without which a node that
 * has just started could not say what has gone. It ends an hour after the last such request.
 */

import { inTurns } from '../../in-turns.ts';
import type { Context } from '../../net/frontend.ts';
import { departuresKeptUntil, departuresOf, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { instanceKey } from '../../registry/kind/catalog/keys.ts';
import type { DepartureRow, InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import type { RowChange } from '../../registry/kinds.ts';
import type { Observer } from '../../registry/observer.ts';
import { namespace } from './names.ts';
import { RecentChanges } from './recent-changes.ts';

const keptMs = 3_600_000;

export class DeltaWatch implements Observer {
  readonly recent: RecentChanges;
  readonly #context: Context;
  readonly #stop: () => void;
  #seeding: Promise<void> | undefined;
  #isSeeded = false;
  #keeping: Promise<void> | undefined;

  /** Clients may have read deltas on another node, or before a restart. */
  constructor(context: Context) {
    const { registry, clock } = context;
    this.#context = context;
    this.recent = new RecentChanges(registry, clock);
    this.#stop = registry.observe(this);
    if (departuresKeptUntil(registry.state, namespace) > 0) void this.#begin();
  }

  /**
   * A client reads a list, or a delta.
   * @returns resolves when the changes that it may have missed are known, and later ones are kept; undefined when it is so
   */
  used(): Promise<void> | undefined {
    const { registry, clock } = this.#context;
    const untilMs = departuresKeptUntil(registry.state, namespace);
    const now = clock.now();
    if (untilMs <= now + keptMs / 2) this.#keeping ??= this.#keep(now + keptMs);
    // While the time is not over, no request need wait for the next.
    if (this.#isSeeded && untilMs > now) return undefined;
    const keeping = untilMs > now ? undefined : this.#keeping;
    return Promise.all([keeping, this.#begin()]).then(() => {});
  }

  observe(changes: readonly RowChange[]): void {
    if (this.recent.isActive) this.recent.observe(changes);
    else if (changes.some(({ after }) => after?.kind === 'departures-kept' && after.namespace === namespace)) void this.#begin();
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    if (this.recent.isActive) yield* this.recent.replaced(changes);
  }

  close(): void {
    this.#stop();
  }

  #begin(): Promise<void> {
    return (this.#seeding ??= this.#seed());
  }

  async #seed(): Promise<void> {
    const { state } = this.#context.registry;
    this.recent.activate();
    const gone = [...departuresOf(state, namespace)];
    for (const row of gone) this.recent.remember(departed(row), instanceKey(namespace, row.node, row.id));
    await inTurns(this.recent.seed(instances(this.#context), gone.reduce((newest, { atMs }) => Math.max(newest, atMs), 0)));
    this.#isSeeded = true;
  }

  /** If it cannot be written now, deltas work all the same until this node stops; the next request tries again. */
  async #keep(untilMs: number): Promise<void> {
    const { registry, log } = this.#context;
    try {
      await registry.submit({ kind: 'keep-departures', namespace, untilMs });
    } catch (err) {
      log.warn({ err }, 'departures could not be kept; clients of Eureka may have to fetch whole lists after a restart');
    } finally {
      this.#keeping = undefined;
    }
  }
}

function departed({ instance, service, node, id, created, modified }: DepartureRow): InstanceRow {
  return { ...instance, kind: 'instance', namespace, service, node, id, created, modified };
}

/** All instances, in no particular order. */
function* instances({ registry: { state } }: Context): Generator<InstanceRow, void, undefined> {
  for (const service of servicesOf(state).names(namespace)) yield* instancesOfService(state, namespace, service);
}
