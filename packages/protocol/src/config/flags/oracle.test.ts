/** Compares the evaluation with flagd's own in JavaScript, over rules and contexts that are drawn at random. */

import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseFlags, type FlagEvaluation } from './flag-set.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

interface Outcome {
  readonly value: unknown;
  readonly variant: string | undefined;
  readonly reason: string | undefined;
  readonly errorCode: string | undefined;
}

function ofOracle(definition: object, key: string, context: object): Outcome {
  // Its interpreter: what it compiles joins texts and compares null in other ways than its interpreter and flagd do.
  const core = new FlagdCore(undefined, quiet, { disableDynamicCodeGeneration: true });
  core.setConfigurations(JSON.stringify(definition));
  const { value, variant, reason, errorCode } = core.resolveStringEvaluation(key, 'from the code', context as never, quiet);
  return { value, variant, reason, errorCode };
}

/** The oracle calls a split a match, and has another code for rules that cannot be right. */
function ofOurs(definition: object, key: string, context: object): Outcome {
  const parsed = parseFlags(JSON.stringify(definition));
  if (!parsed.ok) throw new Error(parsed.message);
  const { value, variant, reason, errorCode } = parsed.flags.evaluateAs('string', key, 'from the code', context, Date.now());
  return { value, variant, reason: reason === 'SPLIT' ? 'TARGETING_MATCH' : reason, errorCode };
}

const variants = { a: 'A', b: 'B', c: 'C', true: 'yes', '1': 'one' };

const word = fc.constantFrom('a', 'b', 'c', 'zed', 'user@example.com', '1', '2.5', '', '1.2.3', '10');
const number = fc.oneof(fc.integer({ min: -5, max: 20 }), fc.constantFrom(0.5, 1e6));
const path = fc.constantFrom('email', 'age', 'tier', 'user.name', 'user', 'tags', 'version', 'none', 'targetingKey', '$flagd.flagKey');
const version = fc.constantFrom('1.2.3', 'v1.2.3', '1.2', '2', '1.2.3-beta.1', '1.2.3-beta.2', '1.2.3+build', '10.0.0', 'x', '1.2.3.4', '1.2.3-1');

const { rule } = fc.letrec<{ rule: unknown; value: unknown; list: unknown }>((tie) => {
  const pair = fc.tuple(tie('value'), tie('value'));
  const operator = (name: string, operands: fc.Arbitrary<unknown>) => operands.map((list) => ({ [name]: list }));
  return {
    list: fc.oneof({ maxDepth: 3 }, fc.array(fc.oneof(word, number), { maxLength: 4 }), fc.constant({ var: 'tags' })),
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      word,
      number,
      fc.boolean(),
      path.map((name) => ({ var: name })),
      fc.tuple(path, word).map((list) => ({ var: list })),
      tie('rule'),
    ),
    rule: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      ...['==', '!=', '===', '!==', '<', '<=', '>', '>='].map((name) => operator(name, pair)),
      operator('<', fc.tuple(number, tie('value'), number)),
      operator('if', fc.tuple(tie('value'), tie('value'), tie('value'))),
      operator('if', fc.tuple(tie('value'), tie('value'), tie('value'), tie('value'), word)),
      operator('if', pair),
      operator('and', fc.array(tie('value'), { minLength: 1, maxLength: 3 })),
      operator('or', fc.array(tie('value'), { minLength: 1, maxLength: 3 })),
      operator('!', fc.tuple(tie('value'))),
      operator('!!', fc.tuple(tie('value'))),
      ...['+', '-', '*', '/', '%'].map((name) => operator(name, fc.tuple(tie('value'), number))),
      operator('max', fc.array(number, { minLength: 1, maxLength: 3 })),
      operator('min', fc.array(tie('value'), { minLength: 1, maxLength: 3 })),
      // Of one operand that is missing, the oracle makes an error.
      operator('cat', fc.array(fc.oneof(word, number, path.map((name) => ({ var: name }))), { minLength: 2, maxLength: 3 })),
      operator('substr', fc.tuple(word, fc.integer({ min: -4, max: 4 }))),
      operator('substr', fc.tuple(word, fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }))),
      operator('in', fc.tuple(word, fc.oneof(word, tie('list')))),
      operator('starts_with', pair),
      operator('ends_with', fc.tuple(path.map((name) => ({ var: name })), word)),
      operator('sem_ver', fc.tuple(fc.oneof(version, fc.constant({ var: 'version' })), fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '^', '~', '==='), version)),
      operator('missing', fc.array(path, { minLength: 1, maxLength: 3 })),
      operator('missing_some', fc.tuple(fc.nat(2), fc.array(path, { minLength: 1, maxLength: 3 }))),
      operator('merge', fc.array(tie('list'), { minLength: 1, maxLength: 2 })),
      operator('map', fc.tuple(tie('list'), fc.constant({ cat: [{ var: '' }, '!'] }))),
      operator('filter', fc.tuple(tie('list'), fc.constant({ in: [{ var: '' }, 'abc'] }))),
      ...['all', 'some', 'none'].map((name) => operator(name, fc.tuple(tie('list'), fc.constant({ '===': [{ var: '' }, 'a'] })))),
      operator('reduce', fc.tuple(tie('list'), fc.constant({ cat: [{ var: 'accumulator' }, { var: 'current' }] }), word)),
      operator('fractional', fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -1, max: 100 })), { minLength: 1, maxLength: 4 })),
      operator(
        'fractional',
        fc
          .tuple(fc.oneof(path.map((name) => ({ var: name })), fc.constant({ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] })), fc.array(fc.tuple(tie('value'), fc.nat(50)), { minLength: 1, maxLength: 3 }))
          .map(([unit, buckets]) => [unit, ...buckets]),
      ),
      fc.constantFrom({ $ref: 'isA' }, { $ref: 'isOld' }),
    ),
  };
});

const context = fc.record(
  {
    targetingKey: fc.oneof(word, fc.uuid()),
    email: fc.oneof(word, fc.constant('é@日本')),
    age: fc.oneof(number, fc.constant('17')),
    tier: fc.oneof(word, fc.boolean(), fc.constant(null)),
    user: fc.record({ name: word }, { requiredKeys: [], noNullPrototype: true }),
    tags: fc.array(word, { maxLength: 3 }),
    version,
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** The oracle replaces references in this order, so one that has others stands first. */
const evaluators = { isOld: { and: [{ '>=': [{ var: 'age' }, 18] }, { '!': [{ $ref: 'isA' }] }] }, isA: { '==': [{ var: 'email' }, 'a'] } };

it('gives the value, variant and reason of flagd for any rule and context', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(rule, context, fc.constantFrom('a', 'c', undefined), (targeting, data, defaultVariant) => {
      // The oracle hashes UTF-16, flagd and we hash UTF-8.
      const text = JSON.stringify(targeting);
      fc.pre(!/[^\0-\x7f]/.test(JSON.stringify(data)) || !text.includes('fractional'));
      // The oracle negates the first item of a list that stands for its operand; JSONLogic asks whether the list is empty.
      fc.pre(!/"!!?"/.test(text) || !/"(?:tags|merge|map|filter|missing|missing_some)"/.test(text));
      fc.pre(!hasConstantWithoutResult(targeting));
      const definition = { flags: { f: { state: 'ENABLED', variants, defaultVariant, targeting } }, $evaluators: evaluators };
      const ours = ofOurs(definition, 'f', data);
      expect({ targeting, data, ...ours }).toEqual({ targeting, data, ...ofOracle(definition, 'f', data) });
      seen.set(`${ours.reason} ${ours.errorCode}`, (seen.get(`${ours.reason} ${ours.errorCode}`) ?? 0) + 1);
    }),
    { numRuns: 1_500 },
  );
  // The test means little unless each outcome comes up.
  for (const outcome of ['TARGETING_MATCH undefined', 'DEFAULT undefined', 'ERROR GENERAL']) expect([outcome, (seen.get(outcome) ?? 0) > 20]).toEqual([outcome, true]);
});

/** The oracle evaluates constants beforehand, and an error in one that the rule never comes to is an error of the rule. */
function hasConstantWithoutResult(rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return false;
  // The item of a constant list is constant, too.
  const text = JSON.stringify(rule).replace(/\{"var":"(?:|accumulator|current)"\}/g, '0');
  if (!Array.isArray(rule) && !/"(?:var|missing|missing_some|fractional|\$ref)"/.test(text)) {
    const alone = parseFlags(JSON.stringify({ flags: { f: { state: 'ENABLED', variants: {}, targeting: rule } } }));
    if (alone.ok && alone.flags.evaluate('f', {}, 0).errorMessage?.includes('has no result') === true) return true;
  }
  return Object.values(rule).some(hasConstantWithoutResult);
}

it.each<[string, object]>([
  ['no targeting', { state: 'ENABLED', variants, defaultVariant: 'a' }],
  ['empty targeting', { state: 'ENABLED', variants, defaultVariant: 'a', targeting: {} }],
  ['no default variant', { state: 'ENABLED', variants }],
  ['a default variant that is null', { state: 'ENABLED', variants, defaultVariant: null, targeting: { if: [false, 'a'] } }],
  ['a disabled flag', { state: 'DISABLED', variants, defaultVariant: 'a' }],
  ['a variant of another type', { state: 'ENABLED', variants: { a: 5 }, defaultVariant: 'a' }],
  ['a variant that does not exist', { state: 'ENABLED', variants, defaultVariant: 'a', targeting: 'nowhere' }],
  ['an operator that does not exist', { state: 'ENABLED', variants, defaultVariant: 'a', targeting: { nowhere: [1] } }],
  ['an evaluator that does not exist', { state: 'ENABLED', variants, defaultVariant: 'a', targeting: { $ref: 'nowhere' } }],
])('agrees with flagd on %s', (_what, flag) => {
  const definition = { flags: { f: flag }, $evaluators: evaluators };
  expect(ofOurs(definition, 'f', {})).toEqual(ofOracle(definition, 'f', {}));
  expect(ofOurs(definition, 'missing', {})).toEqual(ofOracle(definition, 'missing', {}));
});

it('joins the metadata of set and flag as flagd does', () => {
  const definition = { metadata: { team: 'web', version: 1 }, flags: { f: { state: 'ENABLED', variants, defaultVariant: 'a', metadata: { version: 2 } } } };
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify(definition));
  const parsed = parseFlags(JSON.stringify(definition));
  const metadata = (key: string): FlagEvaluation['metadata'] | undefined => (parsed.ok ? parsed.flags.evaluate(key, {}, 0).metadata : undefined);
  expect(metadata('f')).toEqual(core.resolveStringEvaluation('f', '', {}).flagMetadata);
  expect(metadata('missing')).toEqual(core.resolveStringEvaluation('missing', '', {}).flagMetadata);
});
