/** Strips and changes of checks against a naive model, which counts in every state that there was. */

import { getsTraffic, worseStatus, type HealthCell } from '@rollcall/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { statuses } from '../registry/kind/catalog/effective-status.ts';
import { instancesOfService } from '../registry/kind/catalog/find.ts';
import type { Command } from '../registry/kinds.ts';
import type { State } from '../registry/state.ts';
import { say } from '../replica/shared-commands.case.ts';
import { command, world } from './history.case.ts';

function healthIn(state: State, service: string): HealthCell {
  const statusOf = statuses(state);
  const all = Array.from(instancesOfService(state, 'default', service), statusOf);
  const passing = all.filter(getsTraffic).length;
  return { passing, other: all.length - passing, worst: all.length === 0 ? null : all.reduce(worseStatus) };
}

/** What a strip must say of the moments in a cell. */
function cellOf(moments: readonly HealthCell[]): HealthCell | null {
  if (moments.length === 0) return null;
  // Of equal moments the newest.
  const shown = moments.reduceRight((one, other) => (other.other > one.other || (other.other === one.other && other.passing < one.passing) ? other : one));
  const worsts = moments.flatMap(({ worst }) => (worst === null ? [] : [worst]));
  return { passing: shown.passing, other: shown.other, worst: worsts.length === 0 ? null : worsts.reduce(worseStatus) };
}

const nodeCheck = fc.tuple(fc.constantFrom('n1', 'n2'), fc.constantFrom('passing' as const, 'critical' as const)).map(([node, status]): Command => say.check(node, 'disk', { status }));

test('a strip has the worst moment of each cell, over restarts of instances, checks of nodes, and moves between services', async () => {
  const commands = fc.array(fc.oneof({ weight: 4, arbitrary: command }, nodeCheck), { minLength: 5, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom('web', 'db'), fc.integer({ min: 1, max: 40 }), fc.constantFrom(1_000_000, 40_000), async (all, service, cells, bytesMax) => {
      const { clock, commit, journal, history } = world(bytesMax);
      const beginMs = clock.now();
      /** The health from each time on. */
      const from: [atMs: number, health: HealthCell][] = [[beginMs, healthIn(journal.state, service)]];
      for (const one of all) {
        commit([one]);
        from.push([clock.now(), healthIn(journal.state, service)]);
      }
      clock.advance(35);
      const [fromMs, toMs] = [beginMs - 40, clock.now() + 40];
      const sinceMs = history.bounds.since.atMs;
      const cellMs = (toMs - fromMs) / cells;
      const expected = Array.from({ length: cells }, (_, at) => {
        const [begin, end] = [Math.max(fromMs + at * cellMs, sinceMs), Math.min(fromMs + (at + 1) * cellMs, clock.now() + 1)];
        if (begin >= end) return null;
        // The last health before the cell, and all that began in it.
        return cellOf(from.filter(([atMs], index) => atMs < end && (from[index + 1]?.[0] ?? Infinity) > begin).map(([, health]) => health));
      });
      expect(await history.strip({ namespace: 'default', service, fromMs, toMs, cells })).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('changes of checks are told newest first, with the number of failures since the history begins', async () => {
  const { clock, commit, history } = world(1_000_000);
  const sinceMs = clock.now();
  commit([{ ...say.instance('n1', 'i1'), checks: [{ id: 'c', name: 'ping', status: 'passing', instance: 'i1' }] }]);
  for (let round = 0; round < 3; round++) commit([say.status('n1', 'c', 'critical'), say.status('n1', 'c', 'passing')]);
  commit([say.check('n1', 'disk'), say.check('n1', 'disk', { status: 'critical', output: 'full' })]);
  commit([say.deregisterInstance('n1', 'i1')]);
  const of = { namespace: 'default', service: 'web', node: 'n1', id: 'i1' };
  const { changes, failures, sinceMs: since } = await history.checkChanges(of, 5);
  expect([failures, since]).toEqual([4, sinceMs]);
  expect(changes.map(({ check, from, to, node = false }) => [check, from, to, node])).toEqual([
    ['c', 'passing', null, false],
    ['disk', 'passing', 'critical', true],
    ['disk', null, 'passing', true],
    ['c', 'critical', 'passing', false],
    ['c', 'passing', 'critical', false],
  ]);
  expect(changes[1]).toMatchObject({ output: 'full', revision: changes[0]!.revision - 1 });
  // A caller who may read one service learns nothing of an instance of another one.
  expect(await history.checkChanges({ ...of, service: 'db' }, 5)).toMatchObject({ changes: [], failures: 0 });
});
