/** A trace says how a flag came to its result; the result is the one that programs get. */

import { describe, expect, test } from 'vitest';
import { parseFlags } from './flag-set.ts';
import { traceFlag, traceStepsMax, type FlagTrace, type RulePath } from './trace.ts';

const definition = (targeting: unknown, evaluators: unknown = {}): string =>
  JSON.stringify({ $evaluators: evaluators, flags: { checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting } } });

function traced(content: string, context: object): FlagTrace {
  const done = traceFlag(content, 'checkout', context, 1_700_000_000_000);
  if (!done.ok) throw new Error(done.message);
  const parsed = parseFlags(content);
  if (!parsed.ok) throw new Error(parsed.message);
  expect(done.trace.evaluation).toEqual(parsed.flags.evaluate('checkout', context, 1_700_000_000_000));
  return done.trace;
}

const byRules = { if: [{ 'in': [{ var: 'country' }, ['de', 'at']] }, 'on', { starts_with: [{ var: 'email' }, 'test-'] }, 'off', { fractional: [['on', 25], ['off', 75]] }] };

describe('a trace', () => {
  test.each<[string, unknown, object, RulePath | undefined]>([
    ['names the first rule that holds', byRules, { country: 'de' }, ['if', 1]],
    ['names a later rule', byRules, { country: 'us', email: 'test-1@example.org' }, ['if', 3]],
    ['names what is left when no rule holds', byRules, { country: 'us', targetingKey: 'user-42' }, ['if', 4]],
    ['follows an if inside of an if', { if: [{ var: 'a' }, 'on', { if: [{ var: 'b' }, 'off', 'on'] }] }, { b: 1 }, ['if', 2, 'if', 1]],
    ['names the whole rule when it has no branches', { fractional: [['on', 1]] }, { targetingKey: 'u' }, []],
    ['names nothing when the rule gave nothing', { if: [{ var: 'a' }, 'on'] }, {}, undefined],
    ['names nothing without a rule', undefined, {}, undefined],
    ['names nothing after an error', { '+': [{ var: 'list' }, 1] }, { list: [1] }, undefined],
  ])('%s', (_title, targeting, context, decidedBy) => {
    expect(traced(definition(targeting), context).decidedBy).toEqual(decidedBy);
  });

  test('follows a shared evaluator to the branch that it took', () => {
    const content = definition({ $ref: 'staff' }, { staff: { if: [{ ends_with: [{ var: 'email' }, '@example.org'] }, 'on', 'off'] } });
    const { decidedBy, steps } = traced(content, { email: 'a@example.org' });
    expect(decidedBy).toEqual(['$evaluators', 'staff', 'if', 1]);
    expect(steps.find(({ operator }) => operator === 'ends_with')).toEqual({ path: ['$evaluators', 'staff', 'if', 0], operator: 'ends_with', value: true });
  });

  test('has the steps that were taken, operands first, and none that was not', () => {
    const { steps } = traced(definition(byRules), { country: 'de' });
    expect(steps.map(({ path, value }) => [path.join('.'), value])).toEqual([
      ['if.0.in.0', 'de'],
      ['if.0.in.1', ['de', 'at']],
      ['if.0', true],
      ['if.1', 'on'],
      ['', 'on'],
    ]);
  });

  test('says where the hash of a unit lies', () => {
    const { steps, evaluation } = traced(definition(byRules), { targetingKey: 'user-42' });
    const split = steps.find(({ operator }) => operator === 'fractional')?.split;
    expect(split).toMatchObject({ unit: 'checkoutuser-42', total: 100 });
    expect(evaluation.variant).toBe((split?.bucket ?? 100) < 25 ? 'on' : 'off');
    expect(evaluation.reason).toBe('SPLIT');
  });

  test('has no split of another fractional that came before', () => {
    const { steps } = traced(definition({ if: [{ '===': [{ fractional: ['key', ['on', 1]] }, 'off'] }, 'on', { fractional: [] }] }), {});
    expect(steps.filter(({ operator }) => operator === 'fractional').map(({ split }) => split?.unit)).toEqual(['key', undefined]);
  });

  test('names the expression that has no result', () => {
    const { steps, evaluation } = traced(definition({ if: [{ '>': [{ var: 'age' }, 18] }, 'on', 'off'] }), { age: 'old' });
    expect(evaluation.errorCode).toBe('GENERAL');
    expect(steps.find(({ error }) => error !== undefined)).toMatchObject({ path: ['if', 0], operator: '>' });
  });

  test('is cut after so many steps, and still names the branch', () => {
    const content = definition({ if: [{ some: [{ var: 'list' }, { '===': [{ var: '' }, 'x'] }] }, 'on', 'off'] });
    const trace = traced(content, { list: Array.from({ length: 2_000 }, () => 'y') });
    expect([trace.steps.length, trace.isCut, trace.decidedBy]).toEqual([traceStepsMax, true, ['if', 2]]);
  });

  test('of a definition that cannot be read says why', () => {
    expect(traceFlag('{', 'checkout', {}, 0).ok).toBe(false);
    expect(traceFlag('{"flags":{"checkout":{"state":"?"}}}', 'checkout', {}, 0)).toEqual({ ok: false, message: expect.stringContaining('state of flag "checkout"') as string });
  });
});
