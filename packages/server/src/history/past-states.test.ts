/** States of the past against a naive model that keeps every state: rows, buckets, ordered keys and indexes, while the state goes on changing. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Frozen } from '../registry/frozen.ts';
import { servicesAt, tagsAt } from '../registry/kind/catalog/services-at.ts';
import { kinds, type Row } from '../registry/kinds.ts';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import { say } from '../replica/shared-commands.case.ts';
import { command, rowsOf, world, type Rows } from './history.case.ts';

/** Everything that a reader can ask, computed from the rows alone. */
function expected(rows: Rows, allBuckets: ReadonlySet<string>): unknown {
  const all = [...rows.values()];
  const keysOf = (kind: 'kv') => all.flatMap((row) => (row.kind === kind && row.namespace === 'default' ? [row.key] : [])).toSorted();
  const instances = all.filter((row): row is InstanceRow => row.kind === 'instance' && row.namespace === 'default');
  const services = [...new Set(instances.map(({ service }) => service))].toSorted();
  return {
    rows: [...rows],
    buckets: Array.from(allBuckets, (name) => [name, [...rows].filter(([, row]) => kinds.bucketsOf(row).includes(name)).map(([at]) => at)]),
    keys: keysOf('kv'),
    under: keysOf('kv').filter((at) => at.startsWith('a/')),
    services: services.map((service) => [service, [...new Set(instances.filter((each) => each.service === service).flatMap(({ tags }) => tags))].toSorted()]),
  };
}

function found(frozen: Frozen<Row>, allBuckets: ReadonlySet<string>, allKeys: ReadonlySet<string>): unknown {
  let step = frozen.rows();
  let rows: readonly (readonly [string, Row])[] | undefined;
  for (step = frozen.rows(); rows === undefined; ) {
    const { done, value } = step.next();
    if (done === true) rows = value as readonly (readonly [string, Row])[];
  }
  const byKey = Array.from(allKeys).toSorted().flatMap((at) => (frozen.get(at) === undefined ? [] : [[at, frozen.get(at)]]));
  const shown = rowsOf(rows);
  expect(byKey).toEqual([...shown]);
  return {
    rows: [...shown],
    buckets: Array.from(allBuckets, (name) => [name, Array.from(frozen.bucket(name), (row) => kinds.keyOf(row as Row)).toSorted()]),
    keys: [...frozen.ordered('kv', 'default', '')],
    under: [...frozen.ordered('kv', 'default', 'a/')],
    services: servicesAt(frozen, 'default').map((service) => [service, tagsAt(frozen, 'default', service)]),
  };
}

test('the registry as of any revision stays what it was while others write before, between and after the reading', async () => {
  const some = fc.array(command, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(some, some, fc.constantFrom(1_000_000, 24_000), async (first, second, bytesMax) => {
      const { history, states, times, buckets, keys, commit } = world(bytesMax);
      commit(first);
      const open = [...states.keys()].slice(-3).map((revision) => ({ revision, past: history.at({ revision }) }));
      // While they are made, and while they are read, the state goes on.
      commit(second);
      for (const { revision, past } of open) {
        const { frozen, release, revision: got } = await past;
        expect(got).toBe(revision);
        expect(found(frozen, buckets, keys)).toEqual(expected(states.get(revision) as Rows, buckets));
        commit(first.slice(0, 3));
        expect(found(frozen, buckets, keys)).toEqual(expected(states.get(revision) as Rows, buckets));
        release();
      }
      const { since } = history.bounds;
      for (const [revision, rows] of states) {
        if (revision < since.revision) {
          await expect(history.at({ revision })).rejects.toMatchObject({ code: 'failed_precondition' });
          continue;
        }
        const { frozen, release } = await history.at(times.has(revision) ? { atMs: (times.get(revision) as number) + 5 } : { revision });
        expect(found(frozen, buckets, keys)).toEqual(expected(rows, buckets));
        release();
      }
      await history.close();
    }),
    { numRuns: 60 },
  );
});

describe('bounds', () => {
  test('the oldest changes are dropped beyond the limit in bytes', () => {
    const { history, commit } = world(24_000);
    for (let round = 0; round < 500; round++) commit([say.put('a', String(round))]);
    const { since, now, bytes } = history.bounds;
    expect(bytes).toBeLessThanOrEqual(24_000);
    expect(bytes).toBeGreaterThan(12_000);
    expect([since.revision > 100, since.revision < now.revision, since.atMs < now.atMs]).toEqual([true, true, true]);
  });

  test('a change that takes more than half of it begins it anew', async () => {
    const { history, commit, journal } = world(24_000);
    commit([say.put('a', 'x'), say.put('a', 'x'.repeat(20_000)), say.put('a', 'y')]);
    expect(history.bounds.since.revision).toBe(journal.state.revision);
    await expect(history.at({ revision: 1 })).rejects.toMatchObject({ message: expect.stringContaining(`revision ${journal.state.revision}`) as string });
  });

  test('with a limit of 0 nothing is kept, and a question says how to change that', async () => {
    const { history, commit } = world(0);
    commit([say.put('a', 'x')]);
    expect(history.bounds).toMatchObject({ bytes: 0, bytesMax: 0 });
    await expect(history.at({ atMs: 5 })).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('keeps no history') as string });
  });

  test('states that are read are limited; one that is not read any more makes room, and goes by itself after a while', async () => {
    const { history, commit, clock, states } = world(1_000_000);
    commit(['1', '2', '3', '4', '5', '6'].map((value) => say.put('a', value)));
    const revisions = [...states.keys()].slice(1, 6);
    const open = await Promise.all(revisions.slice(0, 4).map((revision) => history.at({ revision })));
    await expect(history.at({ revision: revisions[4] as number })).rejects.toMatchObject({ code: 'resource_exhausted' });
    open[0]?.release();
    open[0]?.release();
    (await history.at({ revision: revisions[4] as number })).release();
    for (const each of open) each.release();
    clock.advance(60_000);
    expect((await history.at({ revision: revisions[0] as number })).revision).toBe(revisions[0]);
  });

  test('a wall clock that goes back moves no change before an older one', async () => {
    const { history, commit, clock, journal } = world(1_000_000);
    commit([say.put('a', '1')]);
    const { atMs } = history.bounds.now;
    clock.jumpWall(-3_600_000);
    commit([say.put('a', '2')]);
    expect((await history.at({ atMs: atMs - 1 })).revision).toBe(0);
    expect((await history.at({ atMs })).revision).toBe(journal.state.revision);
  });
});
