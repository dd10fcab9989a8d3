import fc from 'fast-check';
import { expect, it } from 'vitest';
import { flagLimits } from './expression.ts';
import { parseFlags, type FlagEvaluation, type FlagSet } from './flag-set.ts';

function setOf(definition: unknown): FlagSet {
  const parsed = parseFlags(JSON.stringify(definition));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.flags;
}

const variants = { on: true, off: false };

/** Evaluates a flag with the variants `on` and `off`, `off` by default. */
function evaluated(targeting: unknown, context: object = {}, nowMs = 0): FlagEvaluation {
  return setOf({ flags: { f: { state: 'ENABLED', variants, defaultVariant: 'off', targeting } } }).evaluate('f', context, nowMs);
}

it('gives flagd’s buckets at the borders of the hash', () => {
  // Keys of flagd's own test suite (flagd-testbed, fractional.feature), whose hashes are near 0, 2^31 and 2^32.
  const rule = { fractional: [{ var: 'targetingKey' }, ['off', 50], ['on', 50]] };
  const chosen = ['ejOoVL', 'bY9fO-', 'SI7p-', '6LvT0', 'ceQdGm'].map((targetingKey) => evaluated(rule, { targetingKey }).variant);
  expect(chosen).toEqual(['off', 'off', 'off', 'on', 'on']);
});

it('hashes UTF-8, as flagd does', () => {
  const halves = { fractional: [{ var: 'name' }, ['off', 1], ['on', 1]] };
  // Hashes of the UTF-8 bytes: 0x10110787, below the half, and 0xc4d9f942, above it; over UTF-16 both are below.
  expect(evaluated(halves, { name: 'é' }).variant).toBe('off');
  expect(evaluated(halves, { name: '日本' }).variant).toBe('on');
});

it('says SPLIT when a hash has decided, and TARGETING_MATCH when a rule has', () => {
  const rule = { if: [{ '==': [{ var: 'tier' }, 'gold'] }, 'on', { fractional: [['on', 1], ['off', 1]] }] };
  expect(evaluated(rule, { tier: 'gold', targetingKey: 'u' })).toMatchObject({ value: true, reason: 'TARGETING_MATCH' });
  expect(evaluated(rule, { tier: 'tin', targetingKey: 'u' })).toMatchObject({ reason: 'SPLIT' });
  expect(evaluated(rule, { tier: 'tin' })).toMatchObject({ value: false, reason: 'DEFAULT' });
});

it('knows the time in seconds and the key of the flag', () => {
  const rule = { if: [{ '>=': [{ var: '$flagd.timestamp' }, 1_700_000_000] }, 'on'] };
  expect(evaluated(rule, {}, 1_699_999_999_999).variant).toBe('off');
  expect(evaluated(rule, {}, 1_700_000_000_000).variant).toBe('on');
  expect(evaluated({ if: [{ '==': [{ var: '$flagd.flagKey' }, 'f'] }, 'on'] }, { $flagd: { flagKey: 'other' } }).variant).toBe('on');
  expect(evaluated({ if: [{ '==': [{ var: '$flagd' }, 1] }, 'on'] })).toMatchObject({ errorCode: 'GENERAL' });
});

it('keeps a set whose one rule is invalid, and names that flag', () => {
  const parsed = parseFlags(
    JSON.stringify({
      flags: {
        bad: { state: 'ENABLED', variants, defaultVariant: 'on', targeting: { '==': [1, 1], '!=': [1, 1] } },
        good: { state: 'ENABLED', variants, defaultVariant: 'on' },
      },
    }),
  );
  expect(parsed.ok && parsed.invalid).toEqual([{ key: 'bad', message: 'an operator stands alone in its object, but "==" is beside "!="' }]);
  expect(parsed.ok && parsed.flags.evaluate('good', {}, 0)).toMatchObject({ value: true, reason: 'STATIC' });
  expect(parsed.ok && parsed.flags.evaluate('bad', {}, 0)).toMatchObject({ value: undefined, reason: 'ERROR', errorCode: 'PARSE_ERROR' });
});

it.each<[string, string]>([
  ['{', 'JSON'],
  ['[]', 'the definition must be an object'],
  ['{"flags":[]}', 'flags must be an object'],
  ['{"flags":{"f":7}}', 'flag "f" must be an object'],
  ['{"flags":{"f":{"variants":{}}}}', 'state of flag "f" is undefined, it must be "ENABLED" or "DISABLED"'],
  ['{"flags":{"f":{"state":"ENABLED"}}}', 'variants of flag "f" must be an object'],
  ['{"flags":{"f":{"state":"ENABLED","variants":{"a":1},"defaultVariant":"b"}}}', 'flag "f" has no variant "b", its defaultVariant'],
  ['{"flags":{"f":{"state":"ENABLED","variants":{"a":1},"defaultVariant":true}}}', 'defaultVariant of flag "f" is true, it must be a string'],
  ['{"flags":{},"metadata":{"a":[]}}', 'metadata has "a", which is no string, number or boolean'],
])('refuses the definition %j: %s', (content, message) => {
  const parsed = parseFlags(content);
  expect(parsed.ok ? '' : parsed.message).toContain(message);
});

it('refuses a rule whose shared evaluators refer to each other in a ring', () => {
  const flag = { state: 'ENABLED', variants, defaultVariant: 'off', targeting: { $ref: 'a' } };
  const set = setOf({ flags: { f: flag, g: flag }, $evaluators: { a: { '!': [{ $ref: 'b' }] }, b: { '!': [{ $ref: 'a' }] } } });
  for (const key of ['f', 'g']) expect(set.evaluate(key, {}, 0).errorMessage).toContain('the evaluator "a" refers to itself');
});

it('refuses a rule that is too deep, also when shared evaluators make it deep', () => {
  const nested = (depth: number, inner: unknown): unknown => (depth === 0 ? inner : { '!': [nested(depth - 1, inner)] });
  expect(evaluated({ if: [nested(20, true), 'on'] })).toMatchObject({ value: true, reason: 'TARGETING_MATCH' });
  expect(evaluated(nested(2_000, true))).toMatchObject({ errorCode: 'PARSE_ERROR' });
  const evaluators = { a: nested(40, true), b: nested(40, { $ref: 'a' }) };
  const set = setOf({ flags: { f: { state: 'ENABLED', variants, defaultVariant: 'off', targeting: { $ref: 'b' } } }, $evaluators: evaluators });
  expect(set.evaluate('f', {}, 0)).toMatchObject({ errorCode: 'PARSE_ERROR' });
});

it('refuses a rule with too many parts', () => {
  expect(evaluated({ or: Array.from({ length: flagLimits.nodesMax }, () => false) })).toMatchObject({ errorCode: 'PARSE_ERROR' });
});

it('ends a rule that goes through lists within lists, or that builds ever longer lists and texts', () => {
  const items = Array.from({ length: 60 }, (_, at) => at);
  const rules = [
    { all: [items, { all: [items, { all: [items, { all: [items, true] }] }] }] },
    { reduce: [items, { merge: [{ var: 'accumulator' }, { var: 'accumulator' }] }, [1]] },
    { reduce: [items, { cat: [{ var: 'accumulator' }, { var: 'accumulator' }] }, 'x'] },
  ];
  for (const rule of rules) expect(evaluated(rule).errorMessage).toMatch(/more than (?:100000 items|65536 characters)$/);
});

it('reads only a value’s own fields', () => {
  const rule = (name: string) => ({ if: [{ '===': [{ var: name }, null] }, 'on', 'off'] });
  for (const name of ['constructor', '__proto__', 'toString', 'user.constructor.name', 'user.__proto__.x']) {
    expect([name, evaluated(rule(name), { user: {} }).variant]).toEqual([name, 'on']);
  }
});

it('has flags and variants with the names of object properties', () => {
  const content = '{"flags":{"__proto__":{"state":"ENABLED","variants":{"__proto__":1},"defaultVariant":"__proto__"}}}';
  const parsed = parseFlags(content);
  expect(parsed.ok && parsed.flags.evaluate('__proto__', {}, 0)).toMatchObject({ value: 1, variant: '__proto__' });
  expect(parsed.ok && parsed.flags.evaluate('constructor', {}, 0)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' });
});

it('gives the code’s own value for a flag of another type', () => {
  const set = setOf({ flags: { f: { state: 'ENABLED', variants: { a: 5, o: {} }, defaultVariant: 'a' } } });
  expect(set.evaluateAs('number', 'f', 1, {}, 0)).toMatchObject({ value: 5, reason: 'STATIC' });
  expect(set.evaluateAs('string', 'f', 'mine', {}, 0)).toMatchObject({ value: 'mine', reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
});

it('never throws, whatever the definition, the rule and the context are', () => {
  const hostile = {
    get email(): string {
      throw 'not an error';
    },
    user: Object.create(null) as object,
    [Symbol.iterator]: 1,
  };
  const anyRule = fc.letrec<{ rule: unknown }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>('email', 'user', '', 0, -1, 1e308, null, true, [], {}, { var: 'email' }, { var: 'user' }, { var: '' }),
      fc.tuple(fc.constantFrom(...names), tie('rule')).map(([name, operand]) => ({ [name]: operand })),
      fc.tuple(fc.constantFrom(...names), fc.array(tie('rule'), { maxLength: 4 })).map(([name, operands]) => ({ [name]: operands })),
    ),
  })).rule;
  fc.assert(
    fc.property(anyRule, (rule) => {
      for (const context of [hostile, {}, { email: 'a', user: { name: 1 } }]) {
        const { value, reason, errorCode } = evaluated(rule, context);
        expect(reason === 'ERROR').toBe(errorCode !== undefined);
        expect(value === undefined).toBe(errorCode !== undefined);
      }
    }),
    { numRuns: 2_000 },
  );
  fc.assert(fc.property(fc.json(), (content) => void parseFlags(content)));
});

const names = [
  ...['var', 'missing', 'missing_some', 'if', '?:', 'and', 'or', '!', '!!', '==', '===', '!=', '!==', '<', '<=', '>', '>='],
  ...['+', '-', '*', '/', '%', 'min', 'max', 'cat', 'substr', 'in', 'starts_with', 'ends_with', 'sem_ver', 'fractional'],
  ...['merge', 'map', 'filter', 'reduce', 'all', 'some', 'none', '$ref', 'nowhere'],
] as const;
