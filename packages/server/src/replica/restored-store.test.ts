/** A store that was restored from a backup under a running replica: readers never see a lower revision than before. */

import { expect, it, onTestFinished } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import type { Engine, EngineEvent } from '../engine/engine.ts';
import { memory } from '../engine/memory/memory.ts';
import { manualClock } from '../manual-clock.case.ts';
import { serviceView } from '../registry/kind/catalog/views.ts';
import { keyView } from '../registry/kind/kv/views.ts';
import { encodeRow, keyOf } from '../registry/kinds.ts';
import { Replica } from '../replica.ts';
import { see } from './shared-commands.case.ts';
import { turnsUntil } from '../turns-until.case.ts';

const view = keyView('default', 'k');
const others = serviceView('default', 'never');

function listed(value: string, revision: number): EngineEvent {
  const row = { kind: 'kv', namespace: 'default', key: 'k', value: Buffer.from(value), flags: 0n, lockIndex: 0, created: 3, modified: 0 } as const;
  return { kind: 'records', reset: true, records: [{ key: keyOf(row), value: encodeRow(row), revision }] };
}

/** A replica whose engine shows one list, and after `restore` the list of the restored store. */
async function started(first: readonly EngineEvent[]) {
  let lists = first;
  let lose: (error: RegistryError) => void = () => {};
  const engine: Engine = {
    ...memory(),
    exclusive: false,
    barrier: async () => 0,
    async *changes() {
      const lost = new Promise<RegistryError>((resolve) => (lose = resolve));
      yield* lists;
      throw await lost;
    },
  };
  const clock = manualClock();
  const replica = new Replica({ engine, clock, onFatal: (error) => expect.unreachable(error.message) });
  await replica.start();
  onTestFinished(async () => {
    const closing = replica.close();
    lose(new RegistryError('unavailable', 'closed'));
    await closing;
  });
  return {
    replica,
    async restore(events: readonly EngineEvent[]) {
      lists = events;
      lose(new RegistryError('unavailable', 'etcd was stopped'));
      await turnsUntil(() => {
        clock.advance(100);
        return see.value(replica.state, 'k') === 'old';
      });
    },
  };
}

const restored: readonly EngineEvent[] = [listed('old', 5), { kind: 'caught-up', revision: 21, base: 20 }];

it('no view stands below the revision at which the store went back, and watchers are woken', async () => {
  const node = await started([listed('new', 9), { kind: 'caught-up', revision: 12 }]);
  const { replica } = node;
  expect([replica.views.revision(view), replica.views.revision(others)]).toEqual([9, 0]);
  let woken = 0;
  replica.views.watch(view, () => woken++);
  await node.restore(restored);
  expect([replica.views.revision(view), replica.views.revision(others)]).toEqual([20, 20]);
  expect(woken).toBe(1);
});

it('a replica that starts later says the same', async () => {
  const { replica } = await started(restored);
  expect([replica.views.revision(view), replica.views.revision(others)]).toEqual([20, 20]);
  // The row has the revision that it had: `cas` with it is right.
  expect(see.value(replica.state, 'k')).toBe('old');
});
