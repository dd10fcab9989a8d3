/** Patterns match what RE2 matches, in time linear in the text, and refuse what RE2 refuses. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from './pattern.ts';

const enough = () => ({ left: 1_000_000 });

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
    expect(compilePattern(pattern).test(text, enough())).toBe(matches);
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
    ['(?<=a)', 'invalid or unsupported Perl syntax: `(?<`'],
    ['(?!a)', 'invalid or unsupported Perl syntax: `(?!`'],
    ['a\\', 'trailing backslash at end of expression: ``'],
    ['\\p{Nope}', 'invalid character class range: `\\p{Nope}`'],
  ])('%s is refused: %s', (pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(`error parsing regexp: ${message}`);
  });

  it.each([
    ['x'.repeat(1_025), 'the limit is 1024'],
    ['('.repeat(101) + ')'.repeat(101), 'the limit is 100 levels'],
    ['((a{100}){100}){100}', 'more than 2000 instructions'],
  ])('beyond a limit is refused: %.20s', (pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(message);
  });

  it('of repeated nothing costs nothing', () => {
    expect(compilePattern('(((((){1000}){1000}){1000}){1000}){1000}').test('', { left: 10 })).toBe(true);
  });

  // Each stops a backtracking engine for longer than a test may take.
  it.each(['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*)*x', '(a*)*(b|c)$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?:a?){100}a{100}$'])(
    '%s cannot stall: its work grows with the text, not faster',
    (pattern) => {
      const work = (length: number) => {
        const steps = { left: 100_000_000 };
        compilePattern(pattern).test(`${'a'.repeat(length)}!`, steps);
        return 100_000_000 - steps.left;
      };
      expect(work(4_000)).toBeLessThanOrEqual(2.2 * work(2_000));
    },
  );

  it('stops when its steps are used up', () => {
    expect(() => compilePattern('a*b').test('a'.repeat(1_000), { left: 500 })).toThrow('take too long');
  });

  it('matches what the engine of JavaScript matches', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\W', '1', '\\b', '^', '$');
    const pattern = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,1}', '*?'))
          .map(([a, repeat]) => `(?:${a})${repeat}`),
      ),
    })).node;
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' '), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        // Without `s` and `m` both read these alike.
        expect(compilePattern(source).test(value, enough())).toBe(new RegExp(source).test(value));
      }),
      { numRuns: 3_000 },
    );
  });
});
