import { describe, expect, test } from 'vitest';
import { checkListAppend, type ListStep, type ListTransaction } from './list-append.ts';
import { seeded } from '../seeded.ts';

const append = (list: string, element: number): ListStep => ({ kind: 'append', list, element });
const read = (list: string, ...elements: number[]): ListStep => ({ kind: 'read', list, elements });
const transaction = (id: number, steps: readonly ListStep[], committed: boolean | undefined = true): ListTransaction => ({ id, committed, steps });

describe('anomalies of transactions that append to lists', () => {
  test.each<[string, readonly string[], ListTransaction[]]>([
    ['nothing happened', [], []],
    [
      'one after the other',
      [],
      [
        transaction(1, [append('x', 1)]),
        transaction(2, [read('x', 1), append('x', 2)]),
        transaction(3, [read('x', 1, 2)]),
      ],
    ],
    [
      'two transactions append to two lists in opposite orders',
      ['G0'],
      [
        transaction(1, [append('x', 1), append('y', 1)]),
        transaction(2, [append('x', 2), append('y', 2)]),
        transaction(3, [read('x', 1, 2), read('y', 2, 1)]),
      ],
    ],
    [
      'two transactions read what the other appends',
      ['G1c'],
      [transaction(1, [append('x', 1), read('y', 1)]), transaction(2, [append('y', 1), read('x', 1)])],
    ],
    [
      'a transaction reads one list before another transaction and one after it',
      ['G-single'],
      [transaction(1, [append('x', 1), append('y', 1)]), transaction(2, [read('x', 1), read('y')]), transaction(3, [read('y', 1)])],
    ],
    [
      'an update is lost',
      ['G-single', 'G1c'],
      [
        transaction(1, [read('x'), append('x', 1)]),
        transaction(2, [read('x'), append('x', 2)]),
        transaction(3, [read('x', 1, 2)]),
      ],
    ],
    [
      'two transactions each miss what the other appends (write skew)',
      ['G2'],
      [
        transaction(1, [read('x'), append('y', 1)]),
        transaction(2, [read('y'), append('x', 1)]),
        transaction(3, [read('x', 1), read('y', 1)]),
      ],
    ],
    [
      'a read of a transaction that did not commit',
      ['G1a'],
      [transaction(1, [append('x', 1)], false), transaction(2, [read('x', 1)])],
    ],
    ['a read of a transaction of unknown outcome', [], [transaction(1, [append('x', 1)], undefined), transaction(2, [read('x', 1)])]],
    [
      'a read in the middle of a transaction',
      ['G1b'],
      [transaction(1, [append('x', 1), append('x', 2)]), transaction(2, [read('x', 1)])],
    ],
    ['an element that no transaction appended', ['unknown element'], [transaction(1, [read('x', 7)])]],
    [
      'a lost append: no order explains both reads',
      ['incompatible order'],
      [
        transaction(1, [append('x', 1)]),
        transaction(2, [append('x', 2)]),
        transaction(3, [read('x', 1)]),
        transaction(4, [read('x', 2)]),
      ],
    ],
    ['an element twice', ['duplicate'], [transaction(1, [append('x', 1)]), transaction(2, [read('x', 1, 1)])]],
    ['a transaction misses its own append', ['own write'], [transaction(1, [append('x', 1), read('x')]), transaction(2, [read('x', 1)])]],
  ])('%s: %j', (_, expected, transactions) => {
    const names = new Set(checkListAppend(transactions).map(({ name }) => name));
    if (expected.length === 0) expect([...names]).toEqual([]);
    else expect([...names].some((name) => expected.includes(name))).toBe(true);
  });

  test('a cycle is reported with its transactions', () => {
    const cycle = checkListAppend([transaction(1, [append('x', 1), read('y', 1)]), transaction(2, [append('y', 1), read('x', 1)])]);
    expect(cycle).toEqual([{ name: 'G1c', transactions: [2, 1], text: 'G1c: transactions 2 → 1 → 2' }]);
  });
});

/**
 * Transactions that run one after the other on real lists.
 * @param stale whether one of them reads one list as it was before the previous transaction, and another list in its present
 * state
 */
function serial(seed: number, stale: boolean): ListTransaction[] {
  const random = seeded(seed);
  const lists: Record<string, number[]> = { x: [], y: [], z: [] };
  let element = 0;
  const step = (kind: ListStep['kind'], list: string): ListStep => {
    const elements = (lists[list] ??= []);
    if (kind === 'read') return read(list, ...elements);
    elements.push(++element);
    return append(list, element);
  };
  const victim = stale ? 20 + random.below(20) : -1;
  return Array.from({ length: 60 }, (_, id) => {
    if (id === victim - 1) return transaction(id, [step('append', 'x'), step('append', 'y')]);
    if (id === victim) return transaction(id, [read('x', ...(lists['x'] ?? []).slice(0, -1)), step('read', 'y')]);
    const length = 1 + random.below(3);
    const kinds = ['append', 'read'] as const;
    return transaction(id, Array.from({ length }, () => step(random.pick(kinds) ?? 'read', random.pick(Object.keys(lists)) ?? 'x')));
  });
}

test('random transactions that ran one after the other have no anomaly', () => {
  for (let seed = 0; seed < 50; seed++) expect(checkListAppend(serial(seed, false))).toEqual([]);
});

test('one stale read among random transactions is found', () => {
  for (let seed = 0; seed < 50; seed++) expect(checkListAppend(serial(seed, true)).map(({ name }) => name)).toContain('G-single');
});
