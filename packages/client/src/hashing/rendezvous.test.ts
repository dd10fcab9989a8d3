import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hash32, mix32 } from '@rollcall/protocol';
import { namedTableCases, someHashes, someNames } from './hash-table.case.ts';
import { Rendezvous } from './rendezvous.ts';

namedTableCases('rendezvous', { build: (nodes) => new Rendezvous(nodes), balance: 1.03, excess: 0 });

it('gives the node with the highest −w / ln u, as the plain formula does', () => {
  const node = fc.record({ name: fc.string({ maxLength: 6 }), weight: fc.double({ min: 0.01, max: 100, noNaN: true }) });
  const nodes = fc.uniqueArray(node, { minLength: 1, maxLength: 15, selector: ({ name }) => name });
  fc.assert(
    fc.property(nodes, fc.array(fc.integer(), { maxLength: 60 }), (list, hashes) => {
      const table = new Rendezvous(list);
      for (const hash of hashes) {
        const scores = list.map(({ name, weight }) => {
          const u = ((mix32(hash ^ hash32(name)) ^ 0x80000000) >>> 0) + 0.5;
          return -weight / Math.log(u / 2 ** 32);
        });
        expect(scores[table.lookup(hash)]).toBeCloseTo(Math.max(...scores), 10);
      }
    }),
  );
});

it('places keys on equal weights as without weights', () => {
  const names = someNames(9);
  const [plain, weighted] = [new Rendezvous(names), new Rendezvous(names.map((name) => ({ name, weight: 3.7 })))];
  const almost = new Rendezvous(names.map((name, index) => ({ name, weight: index === 4 ? 1 + 1e-12 : 1 })));
  for (const hash of someHashes(5000)) {
    expect(weighted.lookup(hash)).toBe(plain.lookup(hash));
    expect(almost.lookup(hash)).toBe(plain.lookup(hash));
  }
});

it('moves keys only to a node whose weight grows', () => {
  const weights = [1, 2, 3, 4];
  const build = (third: number) =>
    new Rendezvous(weights.map((weight, index) => ({ name: `n${index}`, weight: index === 2 ? third : weight })));
  const [before, after] = [build(3), build(5)];
  for (const hash of someHashes(20_000)) {
    if (after.lookup(hash) !== before.lookup(hash)) expect(after.lookup(hash)).toBe(2);
  }
});

it('ranks the nodes: when any of them is refused, the best of the rest has the key', () => {
  const names = someNames(6);
  const table = new Rendezvous(names);
  for (const hash of someHashes(500)) {
    const first = table.lookup(hash);
    const rest = names.filter((_, index) => index !== first);
    const second = table.lookupAmong(hash, { accepts: (node) => node !== first });
    expect(names[second]).toBe(rest[new Rendezvous(rest).lookup(hash)]);
  }
});
