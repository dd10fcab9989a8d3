import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyModel, revisionsOf, type KeyInput, type KeyOperation, type KeyOutput } from './key-model.ts';
import { linearizable, type Model, type Operation } from './linearizable.ts';
import { lockModel, type LockInput, type LockOperation, type LockOutput } from './lock-model.ts';
import { randomKeyHistory, randomLockHistory } from './random-history.case.ts';

let clients = 0;

/** An operation from one event to another; to `Infinity` when its outcome is unknown. */
const key = (call: number, end: number, input: KeyInput, output?: KeyOutput): KeyOperation => ({ client: clients++, input, output, call, return: end });
const lock = (call: number, end: number, input: LockInput, output?: LockOutput): LockOperation => ({ client: clients++, input, output, call, return: end });
const found = (value: string, revision: number): KeyOutput => ({ found: { value, revision } });
const yes = { applied: true };
const no = { applied: false };

const checkKey = (history: readonly KeyOperation[]) => linearizable(keyModel(revisionsOf(history).revisions), history).ok;
const checkLock = (history: readonly LockOperation[]) => linearizable(lockModel, history).ok;

describe('histories of one key', () => {
  test.each<[string, boolean, KeyOperation[]]>([
    ['nothing happened', true, []],
    ['a read after a write sees it', true, [key(0, 1, { kind: 'put', value: 'a' }, yes), key(2, 3, { kind: 'get' }, found('a', 1))]],
    ['a read after a write does not see it', false, [key(0, 1, { kind: 'put', value: 'a' }, yes), key(2, 3, { kind: 'get' }, {})]],
    ['a read beside a write sees it', true, [key(0, 3, { kind: 'put', value: 'a' }, yes), key(1, 2, { kind: 'get' }, found('a', 1))]],
    ['a read beside a write does not see it', true, [key(0, 3, { kind: 'put', value: 'a' }, yes), key(1, 2, { kind: 'get' }, {})]],
    [
      'a later read goes back to the value before',
      false,
      [
        key(0, 9, { kind: 'put', value: 'a' }, yes),
        key(1, 2, { kind: 'get' }, found('a', 1)),
        key(3, 4, { kind: 'get' }, {}),
      ],
    ],
    [
      'a write of unknown outcome takes effect much later',
      true,
      [
        key(0, Infinity, { kind: 'put', value: 'a' }),
        key(1, 2, { kind: 'get' }, {}),
        key(3, 4, { kind: 'get' }, found('a', 7)),
      ],
    ],
    ['a write of unknown outcome takes effect while it can', true, [{ ...key(0, Infinity, { kind: 'put', value: 'a' }), until: 3 }, key(1, 2, { kind: 'get' }, {}), key(2.5, 4, { kind: 'get' }, found('a', 7))]],
    ['a write of unknown outcome takes effect when it could not any more', false, [{ ...key(0, Infinity, { kind: 'put', value: 'a' }), until: 3 }, key(3.5, 4, { kind: 'get' }, {}), key(5, 6, { kind: 'get' }, found('a', 7))]],
    ['a write of unknown outcome that cannot happen any more need not have happened', true, [{ ...key(0, Infinity, { kind: 'put', value: 'a' }), until: 3 }, key(4, 5, { kind: 'get' }, {})]],
    [
      'a write of unknown outcome takes effect before it was called',
      false,
      [key(0, 1, { kind: 'get' }, found('a', 7)), key(2, Infinity, { kind: 'put', value: 'a' })],
    ],
    [
      'two cas of one revision both succeed',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'get' }, found('a', 1)),
        key(4, 7, { kind: 'cas', revision: 1, value: 'b' }, yes),
        key(5, 6, { kind: 'cas', revision: 1, value: 'c' }, yes),
      ],
    ],
    [
      'one of two cas of one revision succeeds',
      true,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'get' }, found('a', 1)),
        key(4, 7, { kind: 'cas', revision: 1, value: 'b' }, yes),
        key(5, 6, { kind: 'cas', revision: 1, value: 'c' }, no),
      ],
    ],
    [
      'a cas of the present revision fails',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'get' }, found('a', 1)),
        key(4, 5, { kind: 'cas', revision: 1, value: 'b' }, no),
      ],
    ],
    [
      'an acknowledged write is lost',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'put', value: 'b' }, yes),
        key(4, 5, { kind: 'get' }, found('a', 1)),
      ],
    ],
    [
      'a later write has a lower revision',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'get' }, found('a', 5)),
        key(4, 5, { kind: 'put', value: 'b' }, yes),
        key(6, 7, { kind: 'get' }, found('b', 4)),
      ],
    ],
    [
      'a key is there after its deletion',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'delete' }, yes),
        key(4, 5, { kind: 'get' }, found('a', 1)),
      ],
    ],
    [
      'creation with cas 0 succeeds again after a deletion',
      true,
      [
        key(0, 1, { kind: 'cas', revision: 0, value: 'a' }, yes),
        key(2, 3, { kind: 'delete' }, yes),
        key(4, 5, { kind: 'cas', revision: 0, value: 'b' }, yes),
        key(6, 7, { kind: 'get' }, found('b', 9)),
      ],
    ],
    [
      'a conditional deletion of an absent key succeeds',
      true,
      [key(0, 1, { kind: 'delete-cas', revision: 1 }, yes), key(2, 3, { kind: 'get' }, {})],
    ],
    [
      'a conditional deletion removes a later value',
      false,
      [
        key(0, 1, { kind: 'put', value: 'a' }, yes),
        key(2, 3, { kind: 'get' }, found('a', 1)),
        key(4, 5, { kind: 'put', value: 'b' }, yes),
        key(6, 7, { kind: 'delete-cas', revision: 1 }, yes),
        key(8, 9, { kind: 'get' }, {}),
      ],
    ],
  ])('%s: %s', (_, expected, history) => {
    expect(checkKey(history)).toBe(expected);
  });

  test('a value with two revisions, and a revision with two values, are named', () => {
    const twice = [key(0, 1, { kind: 'get' }, found('a', 1)), key(2, 3, { kind: 'get' }, found('a', 2)), key(4, 5, { kind: 'get' }, found('b', 2))];
    expect(revisionsOf(twice).breaks).toEqual(['value a was read at revisions 1 and 2', 'revision 2 was read with values a and b']);
  });

  test('a broken history names the operations that no order reaches', () => {
    const lost = key(2, 3, { kind: 'get' }, {});
    expect(linearizable(keyModel(new Map()), [key(0, 1, { kind: 'put', value: 'a' }, yes), lost])).toEqual({ ok: false, undone: [lost] });
  });

  test('a search that takes too long is given up, and reports this', () => {
    const many = Array.from({ length: 40 }, (_, index) => key(index, 100 + index, { kind: 'put', value: `v${index}` }, yes));
    expect(linearizable(keyModel(new Map()), [...many, key(200, 201, { kind: 'get' }, {})], 1_000)).toEqual({ ok: undefined, steps: 1_000 });
  });
});

describe('histories of one lock', () => {
  test.each<[string, boolean, LockOperation[]]>([
    [
      'two sessions hold it at once',
      false,
      [lock(0, 1, { kind: 'acquire', session: 'a' }, yes), lock(2, 3, { kind: 'acquire', session: 'b' }, yes)],
    ],
    [
      'it is released between two holders',
      true,
      [
        lock(0, 1, { kind: 'acquire', session: 'a' }, yes),
        lock(2, 3, { kind: 'release', session: 'a' }, yes),
        lock(4, 5, { kind: 'acquire', session: 'b' }, yes),
      ],
    ],
    [
      'the session of the holder may have ended meanwhile',
      true,
      [
        lock(0, 1, { kind: 'acquire', session: 'a' }, yes),
        lock(2, Infinity, { kind: 'end', session: 'a' }),
        lock(4, 5, { kind: 'acquire', session: 'b' }, yes),
      ],
    ],
    [
      'a session takes it after its end',
      false,
      [lock(0, 1, { kind: 'end', session: 'a' }, yes), lock(2, 3, { kind: 'acquire', session: 'a' }, yes)],
    ],
    [
      'a session that may have ended releases it after another took it',
      false,
      [
        lock(0, 1, { kind: 'acquire', session: 'a' }, yes),
        lock(2, Infinity, { kind: 'end', session: 'a' }),
        lock(4, 5, { kind: 'acquire', session: 'b' }, yes),
        lock(6, 7, { kind: 'release', session: 'a' }, yes),
      ],
    ],
    [
      'a reader sees an earlier holder',
      false,
      [
        lock(0, 1, { kind: 'acquire', session: 'a' }, yes),
        lock(2, 3, { kind: 'release', session: 'a' }, yes),
        lock(4, 5, { kind: 'read' }, { holder: 'a' }),
      ],
    ],
  ])('%s: %s', (_, expected, history) => {
    expect(checkLock(history)).toBe(expected);
  });
});

describe('random histories', () => {
  const shapes = { seed: fc.integer({ min: 0, max: 2 ** 31 }), clients: fc.integer({ min: 1, max: 4 }), operations: fc.integer({ min: 0, max: 6 }) };

  test('a history that a register made is linearizable', () => {
    const longer = { ...shapes, operations: fc.integer({ min: 0, max: 60 }) };
    fc.assert(
      fc.property(fc.record(longer), (shape) => {
        expect(checkKey(randomKeyHistory({ ...shape, corrupted: 0 }))).toBe(true);
        expect(checkLock(randomLockHistory({ ...shape, corrupted: 0 }))).toBe(true);
      }),
    );
  });

  test('the search agrees with a search that tries every order', () => {
    let broken = 0;
    fc.assert(
      fc.property(fc.record({ ...shapes, corrupted: fc.integer({ min: 0, max: 2 }) }), (shape) => {
        const keys = randomKeyHistory(shape);
        const model = keyModel(revisionsOf(keys).revisions);
        const expected = anyOrder(model, model.initial, keys);
        if (!expected) broken++;
        expect(checkKey(keys)).toBe(expected);
        const locks = randomLockHistory(shape);
        expect(checkLock(locks)).toBe(anyOrder(lockModel, lockModel.initial, locks));
      }),
      { numRuns: 500 },
    );
    expect(broken).toBeGreaterThan(20);
  });
});

/** Tries every order: the next operation must have been called before the first return among the remaining ones. */
function anyOrder<State, Input, Output>(model: Model<State, Input, Output>, state: State, left: readonly Operation<Input, Output>[]): boolean {
  if (left.every((operation) => operation.return === Infinity)) return true;
  const firstReturn = Math.min(...left.map((operation) => operation.return));
  return left.some((operation) => {
    if (operation.call > firstReturn) return false;
    const after = model.step(state, operation.input, operation.output);
    return after !== undefined && anyOrder(model, after, left.filter((other) => other !== operation));
  });
}
