import { isRegistryError } from '@rollcall/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OwnerRows, RowUpdate } from '../messages.ts';
import { tombstoneMs, tombstonesMax } from './owned-rows.ts';
import { RowSet, rowsMax, valueMax } from './row-set.ts';

interface Replica {
  readonly set: RowSet;
  readonly seen: Map<string, string>;
  readonly news: RowUpdate[];
}

function replica(owner: string, generation = 1): Replica {
  const seen = new Map<string, string>();
  const news: RowUpdate[] = [];
  const set = new RowSet({
    ...{ owner, generation, lives: () => true, announce: (update) => news.push(update) },
    changed: (of, key, value) => (value === undefined ? seen.delete(`${of}/${key}`) : seen.set(`${of}/${key}`, value)),
  });
  set.start(0);
  return { set, seen, news };
}

/** An exchange of states, as `group.ts` does it. */
function exchange(a: RowSet, b: RowSet, nowMs = 0): void {
  const mine = a.digests();
  const theirs = b.digests();
  for (const rows of b.missing(mine)) a.merge(rows, nowMs);
  for (const rows of a.missing(theirs)) b.merge(rows, nowMs);
}

const sorted = (seen: ReadonlyMap<string, string>) => [...seen].filter(([key]) => !key.endsWith('/')).sort(([a], [b]) => (a < b ? -1 : 1));

describe('the rows of a group', () => {
  it('reach a member by one exchange, and their removal by the next', () => {
    const [a, b] = [replica('a'), replica('b')];
    a.set.put('x', '1', 0);
    a.set.put('y', '2', 0);
    exchange(a.set, b.set);
    expect(sorted(b.seen)).toEqual([['a/x', '1'], ['a/y', '2']]);
    a.set.remove('x', 0);
    exchange(b.set, a.set);
    expect(sorted(b.seen)).toEqual([['a/y', '2']]);
    expect(a.set.hash).toBe(b.set.hash);
  });

  it('are what an exchange sends, and no row twice', () => {
    const [a, b] = [replica('a'), replica('b')];
    for (let index = 0; index < 50; index++) a.set.put(`k${index}`, 'v', 0);
    exchange(a.set, b.set);
    a.set.put('k7', 'w', 0);
    expect(a.set.missing(b.set.digests()).flatMap(({ rows }) => rows)).toEqual([{ key: 'k7', version: 52, value: 'w' }]);
  });

  it('do not move what is known over a gap that news left', () => {
    const [a, b] = [replica('a'), replica('b')];
    a.set.put('x', '1', 0);
    a.set.put('y', '2', 0);
    const [profile, x, y] = a.news as [RowUpdate, RowUpdate, RowUpdate];
    b.set.apply(profile, 0);
    b.set.apply(y, 0);
    expect(sorted(b.seen)).toEqual([['a/y', '2']]);
    expect(b.set.digests()).toContainEqual({ owner: 'a', generation: 1, known: 1 });
    b.set.apply(x, 0);
    expect(b.set.digests()).toContainEqual({ owner: 'a', generation: 1, known: 3 });
  });

  it('that were meant for a member that knows more leave the gap open', () => {
    const [a, b, c] = [replica('a'), replica('b'), replica('c')];
    a.set.put('x', '1', 0);
    exchange(a.set, b.set);
    a.set.put('y', '2', 0);
    for (const rows of a.set.missing(b.set.digests())) c.set.merge(rows, 0);
    expect(sorted(c.seen)).toEqual([['a/y', '2']]);
    exchange(b.set, c.set);
    expect(sorted(c.seen)).toEqual([['a/x', '1'], ['a/y', '2']]);
  });

  it('that arrive late do not undo newer ones', () => {
    const [a, b] = [replica('a'), replica('b')];
    a.set.put('x', '1', 0);
    const late = a.set.missing([]);
    a.set.put('y', '2', 0);
    a.set.remove('x', 0);
    exchange(a.set, b.set);
    for (const rows of late) b.set.merge(rows, 0);
    expect(sorted(b.seen)).toEqual([['a/y', '2']]);
    expect(b.set.digests()).toContainEqual({ owner: 'a', generation: 1, known: 4 });
  });

  it('stay removed after the tombstones are dropped, also for a member that was away', () => {
    const [a, b, away] = [replica('a'), replica('b'), replica('c')];
    for (let index = 0; index < 2 * tombstonesMax; index++) a.set.put(`k${index}`, 'v', 0);
    exchange(a.set, b.set);
    exchange(a.set, away.set);
    for (let index = 0; index < 2 * tombstonesMax - 1; index++) a.set.remove(`k${index}`, 1);
    exchange(a.set, b.set, 1);
    for (const { set } of [a, b]) set.prune(() => true, 2 + tombstoneMs);
    expect(a.set.missing([]).flatMap(({ rows }) => rows.filter(({ value }) => value === undefined))).toEqual([]);
    exchange(away.set, b.set);
    expect(sorted(away.seen)).toEqual([[`a/k${2 * tombstonesMax - 1}`, 'v']]);
    exchange(away.set, a.set);
    exchange(b.set, away.set);
    expect(sorted(b.seen)).toEqual(sorted(away.seen));
  });

  it('have a limited number of tombstones at once', () => {
    const a = replica('a');
    for (let index = 0; index < 3 * tombstonesMax; index++) {
      a.set.put(`k${index}`, 'v', 0);
      a.set.remove(`k${index}`, 0);
    }
    a.set.prune(() => true, 1);
    const tombstones = a.set.missing([]).flatMap(({ rows }) => rows.filter(({ value }) => value === undefined));
    expect(tombstones).toHaveLength(tombstonesMax);
  });

  it('of an earlier process are gone when the next one has begun, even if that one registers nothing', () => {
    const [old, b] = [replica('a', 5), replica('b')];
    old.set.put('x', '1', 0);
    exchange(old.set, b.set);
    exchange(replica('a', 6).set, b.set);
    expect(sorted(b.seen)).toEqual([]);
  });

  it('of a process whose clock went back replace those of the earlier one', () => {
    const [old, b, next] = [replica('a', 9), replica('b'), replica('a', 3)];
    old.set.put('x', '1', 0);
    exchange(old.set, b.set);
    next.set.put('y', '2', 0);
    exchange(next.set, b.set);
    exchange(next.set, b.set);
    expect(sorted(b.seen)).toEqual([['a/y', '2']]);
  });

  it('of a member that is gone do not count in the hash, and are forgotten with it', () => {
    const [a, b, c] = [replica('a'), replica('b'), replica('c')];
    a.set.put('x', '1', 0);
    exchange(c.set, b.set);
    const without = b.set.hash;
    exchange(a.set, b.set);
    expect(b.set.hash).not.toBe(without);
    b.set.setLiving('a', false);
    expect(b.set.hash).toBe(without);
    b.set.prune((owner) => owner !== 'a', 0);
    expect(sorted(b.seen)).toEqual([]);
    expect(b.set.digests().map(({ owner }) => owner)).toEqual(['b', 'c']);
  });

  it('have limits, which name themselves', () => {
    const { set } = replica('a');
    const refusal = (action: () => void) => {
      try {
        action();
      } catch (error) {
        return isRegistryError(error) ? `${error.code}: ${error.message}` : String(error);
      }
      return 'none';
    };
    expect(refusal(() => set.put('x', 'v'.repeat(valueMax + 1), 0))).toBe(`invalid_argument: x has ${valueMax + 1} characters, the limit of a row is ${valueMax}`);
    for (let index = 0; index < rowsMax - 1; index++) set.put(`k${index}`, 'v', 0);
    expect(refusal(() => set.put('more', 'v', 0))).toContain('resource_exhausted');
    set.put('k1', 'again', 0);
  });
});

describe('after any writes, losses, repetitions, reorderings and exchanges', () => {
  const write = fc.record({
    kind: fc.constant('write' as const),
    ...{ owner: fc.nat(2), key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }) },
  });
  const deliver = fc.record({ kind: fc.constant('deliver' as const), to: fc.nat(2), which: fc.nat() });
  const sync = fc.record({ kind: fc.constant('sync' as const), a: fc.nat(2), b: fc.nat(2) });
  const ask = fc.record({ kind: fc.constant('ask' as const), a: fc.nat(2), b: fc.nat(2) });
  const answer = fc.record({ kind: fc.constant('answer' as const), to: fc.nat(2), which: fc.nat() });
  const prune = fc.record({ kind: fc.constant('prune' as const), at: fc.nat(2) });
  const restart = fc.record({ kind: fc.constant('restart' as const), owner: fc.nat(2) });
  const events = fc.array(fc.oneof({ weight: 5, arbitrary: write }, { weight: 8, arbitrary: deliver }, sync, ask, { weight: 3, arbitrary: answer }, prune, restart), { maxLength: 120 });

  it('all members see what the owners have, once each pair has exchanged states', () => {
    fc.assert(
      fc.property(events, (steps) => {
        let generation = 1;
        let now = 0;
        const replicas = ['p', 'q', 'r'].map((owner) => replica(owner));
        const wire: RowUpdate[] = [];
        const answers: OwnerRows[] = [];
        const collect = () => replicas.forEach(({ news }) => wire.push(...news.splice(0)));
        for (const step of steps) {
          now += tombstoneMs / 4;
          const at = (index: number) => replicas[index] as Replica;
          if (step.kind === 'write' && step.value === undefined) at(step.owner).set.remove(step.key, now);
          if (step.kind === 'write' && step.value !== undefined) at(step.owner).set.put(step.key, step.value, now);
          const update = step.kind === 'deliver' ? wire[step.which % Math.max(1, wire.length)] : undefined;
          if (step.kind === 'deliver' && update !== undefined) at(step.to).set.apply(update, now);
          // Answers come late, to any member, and more than once.
          if (step.kind === 'ask') answers.push(...at(step.a).set.missing(at(step.b).set.digests()));
          const answered = step.kind === 'answer' ? answers[step.which % Math.max(1, answers.length)] : undefined;
          if (step.kind === 'answer' && answered !== undefined) at(step.to).set.merge(answered, now);
          if (step.kind === 'sync') exchange(at(step.a).set, at(step.b).set, now);
          if (step.kind === 'prune') at(step.at).set.prune(() => true, now);
          if (step.kind === 'restart') replicas[step.owner] = replica('pqr'[step.owner] as string, ++generation);
          collect();
        }
        for (let round = 0; round < 2; round++) for (const a of replicas) for (const b of replicas) exchange(a.set, b.set, now);
        const model = new Map(replicas.flatMap(({ seen }, index) => [...seen].filter(([key]) => key.startsWith(`${'pqr'[index]}/`))));
        for (const { seen } of replicas) expect(sorted(seen)).toEqual(sorted(model));
        expect(new Set(replicas.map(({ set }) => set.hash)).size).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});
