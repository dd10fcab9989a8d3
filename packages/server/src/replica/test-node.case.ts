/** A replica on an engine that other replicas write to (`engine/held-engine.case.ts`), with a clock that tests move. */

import type { RegistryError } from '@rollcall/protocol';
import type { Engine } from '../engine/engine.ts';
import { heldEngine, type Fault, type HeldEngine } from '../engine/held-engine.case.ts';
import { manualClock } from '../manual-clock.case.ts';
import { Replica, type ReplicaOptions } from '../replica.ts';
import { turnsUntil } from '../turns-until.case.ts';

export type { Fault } from '../engine/held-engine.case.ts';

export type ManualClock = ReturnType<typeof manualClock>;

export interface TestNode extends Omit<HeldEngine, 'engine' | 'cut'> {
  readonly replica: Replica;
  readonly clock: ManualClock;
  /** The error that stopped the replica. */
  readonly fatal: RegistryError[];
  /** Ends the feed with an error, and resolves when the replica has noticed; it can be followed again at once. */
  lose(error?: RegistryError): Promise<void>;
  /** Lets the clock run until the replica follows the store again. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export async function testNode(engine: Engine, fault: Fault = {}, options: Partial<ReplicaOptions> = {}): Promise<TestNode> {
  const clock = manualClock();
  const fatal: RegistryError[] = [];
  const held = heldEngine(engine, fault);
  const replica = new Replica({ engine: held.engine, clock, onFatal: (error) => fatal.push(error), ...options });
  const node: TestNode = Object.assign(held, {
    replica,
    clock,
    fatal,
    async lose(error?: RegistryError) {
      held.cut(error);
      await turnsUntil(() => replica.freshness.stale);
    },
    async recover() {
      await turnsUntil(() => {
        clock.advance(100);
        return !replica.freshness.stale;
      });
    },
    close: () => replica.close(),
  });
  await replica.start();
  return node;
}
