/** What groups captured is what Go's `regexp` says, in time linear in the text. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCaptures } from './captures.ts';

const match = (pattern: string, text: string) => compileCaptures(pattern).match(text, { left: 1_000_000 });

describe('captures', () => {
  it.each([
    ['^geo-db-(.*?)-([^\\-]+?)$', 'geo-db-east-main', ['geo-db-east-main', 'east', 'main']],
    ['^geo-db-(.*?)-([^\\-]+?)$', 'geo-db-a-b-c', ['geo-db-a-b-c', 'a-b', 'c']],
    ['^geo-db-(.*?)-([^\\-]+?)$', 'geo-db-a', undefined],
    ['(a+)(a+)', 'xaaa', ['aaa', 'aa', 'a']],
    ['(a+?)(a+)', 'aaa', ['aaa', 'a', 'aa']],
    ['(?U)(a+)(a+?)', 'aaa', ['aaa', 'a', 'aa']],
    ['(a|ab)(c|bcd)?', 'abcd', ['abcd', 'a', 'bcd']],
    ['(ab|a)(bcd|c)?', 'abcd', ['abc', 'ab', 'c']],
    ['(a)|(b)', 'b', ['b', '', 'b']],
    ['(?:(a)|b)*', 'ab', ['ab', 'a']],
    ['(?P<first>\\w)(\\d{2,3}?)', 'x1234', ['x12', 'x', '12']],
    ['x*(y?)', 'zz', ['', '']],
    ['((a)(b)?)+', 'aba', ['aba', 'a', 'a', 'b']],
    ['(\\pL+)', '1äö😀', ['äö', 'äö']],
    ['', 'abc', ['']],
  ])('%s in %s', (pattern, text, wanted) => {
    expect(match(pattern, text)).toEqual(wanted);
  });

  it('agree with JavaScript’s own engine where both mean the same', () => {
    const atom = fc.constantFrom('a', 'b', '[ab]', '.', 'ab');
    const group = fc
      .tuple(fc.array(fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '*?', '+?', '??', '{1,2}')), { minLength: 1, maxLength: 3 }))
      .map(([parts]) => `(${parts.map(([one, times]) => (one.length > 1 && times !== '' ? `(?:${one})${times}` : one + times)).join('')})`);
    const pattern = fc
      .tuple(fc.constantFrom('', '^'), fc.array(group, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '$'), fc.constantFrom('', '|'))
      .map(([start, groups, end, or]) => start + groups.join(or) + end);
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[abc]{0,8}$/), (expression, text) => {
        const oracle = new RegExp(expression).exec(text);
        expect(match(expression, text)).toEqual(oracle === null ? undefined : Array.from<string | undefined, string>(oracle, (one) => one ?? ''));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['(a+)+$', '(a|aa)*(a|aa)*$', '(.*)(.*)(.*)(.*)x$', '((a?){40})a{40}$'])('%s stops when its steps are used up', (pattern) => {
    const compiled = compileCaptures(pattern);
    const steps = { left: 50_000 };
    const text = `${'a'.repeat(5_000)}b`;
    expect(() => compiled.match(text, steps)).toThrow('the pattern takes too long');
    expect(steps.left).toBeGreaterThan(-1_000);
  });

  it('of a hostile pattern on a name take steps in proportion to its length', () => {
    const stepsOf = (length: number) => {
      const steps = { left: 10_000_000 };
      compileCaptures('((a+)+)+b$').match('a'.repeat(length), steps);
      return 10_000_000 - steps.left;
    };
    expect(stepsOf(800) / stepsOf(200)).toBeLessThan(4.5);
  });

  it('refuse what RE2 refuses, and what would need too much room', () => {
    expect(() => compileCaptures('(')).toThrow('error parsing regexp: missing closing ): `(`');
    expect(() => compileCaptures('(a)\\1')).toThrow('invalid escape sequence');
    expect(() => compileCaptures('((a{30}){30}){30}')).toThrow('more than 1000 instructions');
    expect(() => compileCaptures('(?:(?:){1000}){1000}')).not.toThrow();
  });
});
