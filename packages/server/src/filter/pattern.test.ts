/** Patterns match what Go's `regexp` matches, refuse what it refuses, and cannot stall the process. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RE2JS } from 're2js';
import { costOf } from './pattern-cost.ts';
import { Pattern } from './pattern.ts';

const enough = () => ({ left: 1_000_000 });

/** Pattern, text, and the answer of `regexp.FindStringSubmatch` of Go 1.26, or its error. */
type Recorded = readonly [pattern: string, text: string, answer: readonly string[] | null | string];

describe('a pattern', () => {
  it.each([
    ['web', 'a web server', true],
    ['web', 'wob', false],
    ['', 'anything', true],
    ['^v1[.]', 'v1.2', true],
    ['^v1[.]', 'v12', false],
    ['a.c', 'a\nc', false],
    ['(?s)a.c', 'a\nc', true],
    ['a$', 'ba', true],
    ['a$', 'a\n', false],
    ['(?m)^b$', 'a\nb\nc', true],
    ['(?i)WEB', 'web', true],
    ['(?i:W)eb', 'web', true],
    ['(?i:W)EB', 'web', false],
    ['x(?i)y|z', 'xY', true],
    ['(a|b)*c', 'ababc', true],
    ['(?:a|b){2,3}$', 'xab', true],
    ['^(?:ab){2}$', 'abab', true],
    ['^(?:ab){2}$', 'ab', false],
    ['a{,2}', 'a{,2}', true],
    ['^a{2,}$', 'aaaa', true],
    ['^[^a-c]+$', 'xyz', true],
    ['^[^a-c]+$', 'xaz', false],
    ['[]a]', ']', true],
    ['[a\\-z]', '-', true],
    ['^[[:alpha:]_]+$', 'ab_C', true],
    ['^[[:^digit:]]+$', 'a1', false],
    ['^\\d{3}-\\w+\\s\\D$', '123-ab c', true],
    ['\\bweb\\b', 'the web.', true],
    ['\\bweb\\b', 'cobweb', false],
    ['\\Bweb', 'cobweb', true],
    ['^\\pL+$', 'éß', true],
    ['^\\p{Greek}+$', 'λόγος', true],
    ['\\P{Greek}', 'λ', false],
    ['^\\x41\\x{1F600}\\t$', 'A😀\t', true],
    ['^.$', '😀', true],
    ['\\Qa.b\\E+$', 'a.bbb', true],
    ['(?P<name>a)(?<other>b)', 'ab', true],
    ['a**'.slice(0, 2), '', true],
    ['(a*)*b', 'aab', true],
    ['\\Ax\\z', 'x', true],
  ])('%s on %j: %s', (pattern, text, matches) => {
    expect(new Pattern(pattern).test(text, enough())).toBe(matches);
  });

  it.each([
    ['(a', 'missing closing ): `(a`'],
    ['a)', 'unexpected ): `a)`'],
    ['[a', 'missing closing ]: `[a`'],
    ['*a', 'missing argument to repetition operator: `*`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['a{2}{3}', 'invalid nested repetition operator: `{2}{3}`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['\\1', 'invalid escape sequence: `\\1`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?<=a)', 'invalid named capture: `(?<=a)`'],
    ['(?!a)', 'invalid or unsupported Perl syntax: `(?!`'],
    ['a\\', 'trailing backslash at end of expression: ``'],
    ['\\p{Nope}', 'invalid character class range: `\\p{Nope}`'],
  ])('%s is refused: %s', (pattern, message) => {
    expect(() => new Pattern(pattern)).toThrow(`error parsing regexp: ${message}`);
  });

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
  ])('%s in %s: the groups are those of Go', (pattern, text, wanted) => {
    expect(new Pattern(pattern).match(text, enough())).toEqual(wanted);
  });

  it('matches like Go’s `regexp` for 300 recorded patterns', () => {
    const recorded = JSON.parse(readFileSync(new URL('testdata/go-regexp.json', import.meta.url), 'utf8')) as Recorded[];
    expect(recorded).toHaveLength(300);
    for (const [pattern, text, answer] of recorded) {
      if (typeof answer === 'string') expect(() => new Pattern(pattern), pattern).toThrow(answer);
      else expect(new Pattern(pattern).match(text, enough()) ?? null, pattern).toEqual(answer);
    }
  });

  it('finds groups as JavaScript’s engine does where both languages agree', () => {
    const atom = fc.constantFrom('a', 'b', '[ab]', '.', '[^a]', '\\d', '\\b');
    const group = fc
      .tuple(fc.array(fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '*?', '+?', '??', '{1,2}')), { minLength: 1, maxLength: 3 }))
      .map(([parts]) => `(${parts.map(([one, times]) => (times === '' ? one : `(?:${one})${times}`)).join('')})`);
    const pattern = fc
      .tuple(fc.constantFrom('', '^'), fc.array(group, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '$'), fc.constantFrom('', '|'))
      .map(([start, groups, end, or]) => start + groups.join(or) + end);
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[ab1 ]{0,8}$/), (expression, text) => {
        const oracle = new RegExp(expression).exec(text);
        const wanted = oracle === null ? undefined : Array.from<string | undefined, string>(oracle, (one) => one ?? '');
        expect(new Pattern(expression).match(text, enough())).toEqual(wanted);
        expect(new Pattern(expression).test(text, enough())).toBe(oracle !== null);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['x'.repeat(1_025), 'the limit is 1024'],
    ['((a{100}){100}){100}', 'more than 2000 instructions'],
    ['(?:(?:){100}){100}', 'more than 2000 instructions'],
    ['(?i)[b-\u{1E942}][b-\u{1E942}][b-\u{1E942}]', 'takes too long to compile'],
    ['(?i)[\\x{80}-\\x{10FFFF}]*[\\x{80}-\\x{10FFFF}]*[\\x{80}-\\x{10FFFF}]', 'takes too long to compile'],
    ['\\pL\\PN'.repeat(150), 'takes too long to compile'],
  ])('beyond a limit is refused before it is compiled: %.30s', (pattern, message) => {
    expect(() => new Pattern(pattern)).toThrow(message);
  });

  it.each(['^[一-龥а-я]+$', '(?i)^[а-яё]+[α-ω]+$', '[\\x{80}-\\x{10FFFF}]', '(?i)[\\x{80}-\\x{10FFFF}]', '^(?i)\\pL[\\pL\\pN_-]*$', '(?:\\d{1,3}\\.){3}\\d{1,3}'])(
    'of usual size is within the limits: %s',
    (pattern) => {
      expect(() => new Pattern(pattern)).not.toThrow();
    },
  );

  // Each stops a backtracking engine for longer than a test may take.
  it.each(['(a+)+$', '(a|aa)+$', '(.*)*x', '(a*)*(b|c)$', '^(([a-z])+.)+[A-Z]([a-z])+$', '((a?){40})a{40}$'])(
    '%s on a long text answers within its steps, or refuses before it begins',
    (pattern) => {
      const text = `${'a'.repeat(1_000)}!`;
      const steps = enough();
      expect(new Pattern(pattern).test(text, steps)).toBe(false);
      expect(steps.left).toBeGreaterThan(700_000);
      expect(() => new Pattern(pattern).test(text, { left: 5_000 })).toThrow('the pattern takes too long');
      expect(() => new Pattern(pattern).match(text, { left: 5_000 })).toThrow('the pattern takes too long');
    },
  );

});

describe('the cost of a pattern', () => {
  const atoms = fc.constantFrom(
    ...['a', 'é', '😀', '.', '[ab]', '[^a]', '[[:alpha:]]', '[^[:word:]x]', '[a[:]', '[(]', '[)]{3}', '[{5}]', '[\\]]', '[]{9}]', '[^]]'],
    ...['\\(', '\\)', '\\[', '\\{', '\\Q(\\E', '\\Qa(b[c\\E', '\\Q\\E', '\\Qab', '\\d', '\\b', '^', '\\pL', '\\p{Greek}', '[\\PL\\PN]', '\\x{1F600}'],
    ...['{', '{2', 'a{,2}', ']', '(?i)', '(?U)', '(?i:', '(?P<n>', '(?:', '(', '(', ')', ')', ')', '|', '*', '+', '?', 'abcdef', '(a|b)', '(|)'],
    ...['{2}', '{5}', '{10}', '{100}', '{2,}', '{0,9}', '{1,300}', '{0}'],
  );

  it('is never below the number of the pattern’s instructions', () => {
    let compared = 0;
    fc.assert(
      fc.property(fc.array(atoms, { maxLength: 40 }), (parts) => {
        const pattern = parts.join('');
        const { instructions } = costOf(pattern);
        if (instructions > 5_000) return;
        let size;
        try {
          size = RE2JS.compile(pattern).programSize();
        } catch {
          return;
        }
        compared++;
        expect(size, pattern).toBeLessThanOrEqual(instructions);
      }),
      { numRuns: 3_000 },
    );
    expect(compared).toBeGreaterThan(300);
  });

  it('is at most twice the instructions for patterns of usual form', () => {
    for (const pattern of ['^1[.][0-9]+', '^geo-db-(.*?)-([^\\-]+?)$', '(?:a?){300}b', '(?P<zone>eu|us)-\\w+-\\d{2}', '^(1|2)\\.(3|4).*7$']) {
      expect(costOf(pattern).instructions, pattern).toBeLessThanOrEqual(2 * RE2JS.compile(pattern).programSize() + 4);
    }
  });
});
