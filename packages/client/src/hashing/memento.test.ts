import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '@rollcall/protocol';
import { someHashes } from './hash-table.case.ts';
import { jumpHash } from './jump.ts';
import { Memento } from './memento.ts';

/**
 * A naive model of the same idea: the list of buckets by place. A removal puts the last place's bucket into the
 * gap; a draw below some size means the list as it was at that size.
 */
class Lists {
  /** The list of buckets after each removal, the first one before any. */
  readonly history: number[][];

  constructor(buckets: number) {
    this.history = [Array.from({ length: buckets }, (_, bucket) => bucket)];
  }

  get list(): number[] {
    return this.history.at(-1)!;
  }

  remove(bucket: number): void {
    // The last of all leaves no gap and is forgotten, as in jump hash.
    if (this.history.length === 1 && bucket === this.list.length - 1) {
      this.list.pop();
      return;
    }
    const list = [...this.list];
    const last = list.pop()!;
    if (last !== bucket) list[list.indexOf(bucket)] = last;
    this.history.push(list);
  }

  add(): void {
    if (this.history.length > 1) this.history.pop();
    else this.list.push(this.list.length);
  }

  lookup(hash: number): number {
    let bucket = this.history[0]![jumpHash(hash, this.history[0]!.length)]!;
    for (;;) {
      const after = this.history.find((list) => !list.includes(bucket));
      if (after === undefined) return bucket;
      bucket = after[(mix32(hash ^ mix32(bucket)) >>> 0) % after.length]!;
    }
  }
}

type Step = { readonly kind: 'add' } | { readonly kind: 'remove'; readonly pick: number };

const removal = fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() });
const addition = fc.record({ kind: fc.constant('add' as const) });
const steps = fc.array(fc.oneof({ weight: 2, arbitrary: removal }, addition), { maxLength: 40 });

/** Applies one step to both. */
function take(step: Step, memento: Memento, lists: Lists): void {
  if (step.kind === 'add') {
    memento.add();
    lists.add();
  } else if (memento.size > 1) {
    const bucket = lists.list[step.pick % lists.list.length]!;
    memento.remove(bucket);
    lists.remove(bucket);
  }
}

describe('after any removals and additions', () => {
  const hashes = someHashes(300);

  it('returns the same buckets as the naive model', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), steps, (buckets, list) => {
        const memento = new Memento(buckets);
        const lists = new Lists(buckets);
        for (const step of list) take(step, memento, lists);
        expect(memento.size).toBe(lists.list.length);
        for (const hash of hashes) expect(memento.lookup(hash)).toBe(lists.lookup(hash));
        for (let bucket = -1; bucket < buckets + 41; bucket++) expect(memento.has(bucket)).toBe(lists.list.includes(bucket));
      }),
      { numRuns: 200 },
    );
  });

  it('moves only the keys of a removed bucket, or the keys that a new bucket gets', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), steps, (buckets, list) => {
        const memento = new Memento(buckets);
        const lists = new Lists(buckets);
        let before = hashes.map((hash) => memento.lookup(hash));
        for (const step of list) {
          const had = new Set(lists.list);
          take(step, memento, lists);
          const after = hashes.map((hash) => memento.lookup(hash));
          after.forEach((bucket, at) => {
            if (bucket === before[at]) return;
            expect(memento.has(before[at]!) && had.has(bucket)).toBe(false);
          });
          before = after;
        }
      }),
      { numRuns: 100 },
    );
  });
});

it('is jump hash while nothing is removed', () => {
  const memento = new Memento(50);
  for (const hash of someHashes(1000)) expect(memento.lookup(hash)).toBe(jumpHash(hash, 50));
});

it.each([0.1, 0.5, 0.9])('gives equal shares after %d of 100 buckets are removed at random', (share) => {
  const memento = new Memento(100);
  for (let n = 0, seed = 1; n < 100 * share; seed++) {
    const bucket = (mix32(seed) >>> 0) % 100;
    if (!memento.has(bucket)) continue;
    memento.remove(bucket);
    n += 1;
  }
  const keys = 2000 * memento.size;
  const counts = new Float64Array(100);
  for (const hash of someHashes(keys)) counts[memento.lookup(hash)]! += 1;
  let chiSquare = 0;
  for (let bucket = 0; bucket < 100; bucket++) {
    if (memento.has(bucket)) chiSquare += (counts[bucket]! - 2000) ** 2 / 2000;
    else expect(counts[bucket]).toBe(0);
  }
  expect(chiSquare - (memento.size - 1)).toBeLessThan(4.5 * Math.sqrt(2 * memento.size));
});

it('takes buckets again after it was empty, and grows', () => {
  const memento = new Memento(3);
  for (const bucket of [1, 2, 0]) memento.remove(bucket);
  expect([memento.size, memento.lookup(7), memento.lookupAmong(7, { accepts: () => true })]).toEqual([0, -1, -1]);
  expect([memento.add(), memento.add(), memento.add(), memento.add()]).toEqual([0, 2, 1, 3]);
  for (const hash of someHashes(200)) expect(memento.lookup(hash)).toBe(jumpHash(hash, 4));
  for (let n = 4; n < 100; n++) expect(memento.add()).toBe(n);
  for (const hash of someHashes(200)) expect(memento.lookup(hash)).toBe(jumpHash(hash, 100));
});

it('looks up among working buckets only, even when the filter accepts others', () => {
  const memento = new Memento(6);
  memento.remove(2);
  memento.remove(4);
  for (const hash of someHashes(300)) {
    const first = memento.lookup(hash);
    expect(memento.lookupAmong(hash, { accepts: () => true })).toBe(first);
    const second = memento.lookupAmong(hash, { accepts: (bucket) => bucket !== first });
    expect([0, 1, 3, 5].filter((bucket) => bucket !== first)).toContain(second);
    expect(memento.lookupAmong(hash, { accepts: (bucket) => bucket === 2 })).toBe(-1);
  }
});

it('refuses to remove buckets that are not working, and sizes out of range', () => {
  const memento = new Memento(3);
  memento.remove(1);
  for (const bucket of [1, 3, -1, 0.5, NaN]) {
    expect(() => memento.remove(bucket)).toThrow(`bucket ${bucket} is not one of the 2 working`);
  }
  for (const buckets of [-1, 1.5, 2 ** 31, 2 ** 24 + 1]) expect(() => new Memento(buckets)).toThrow(`${buckets}`);
});
