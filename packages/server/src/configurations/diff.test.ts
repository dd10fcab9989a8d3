import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diffLines } from './diff.ts';

const written = (before: string, after: string) => diffLines(before, after).map(({ change, text, unended }) => `${{ same: ' ', removed: '-', added: '+' }[change]}${text}${unended === true ? '\\' : ''}`);

it('keeps the longest common lines, and shows the others in place', () => {
  expect(written('a\nb\nc\nd', 'a\nx\nc\nd\ne')).toEqual([' a', '-b', '+x', ' c', ' d', '+e']);
  expect(written('', 'a')).toEqual(['+a']);
  expect(written('a', '')).toEqual(['-a']);
  expect(written('a\nb', 'a\nb')).toEqual([' a', ' b']);
});

it('shows no line after the last newline, and shows when one text lacks it', () => {
  expect(written('a\nb\n', 'a\nc\n')).toEqual([' a', '-b', '+c']);
  expect(written('', 'a\n')).toEqual(['+a']);
  expect(written('a\n', 'a')).toEqual(['-a', '+a\\']);
  expect(written('a\nb', 'a\nb\n')).toEqual([' a', '-b\\', '+b']);
  expect(written('a\n', 'a\n\n')).toEqual([' a', '+']);
});

it('gives both texts back, whatever they are', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 30 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const side = (left: string, text: string) => {
        const of = lines.filter(({ change }) => change !== left);
        // Without a mark both texts end alike, or the other one is empty.
        return of.map((each) => each.text).join('\n') + (of.length > 0 && of.at(-1)?.unended !== true && text.endsWith('\n') ? '\n' : '');
      };
      expect([side('added', before), side('removed', after)]).toEqual([before, after]);
      for (const text of [before, after]) if (text !== '') expect(lines.some((each) => each.unended === true)).toBe(before !== '' && after !== '' && before.endsWith('\n') !== after.endsWith('\n'));
    }),
  );
});

it('compares very different long texts as a whole', () => {
  const many = (word: string) => Array.from({ length: 20_000 }, (_, at) => `${word}${at}`).join('\n');
  const lines = diffLines(`same\n${many('a')}`, `same\n${many('b')}`);
  expect([lines.length, lines[0]?.change, lines[1]?.change, lines.at(-1)?.change]).toEqual([40_001, 'same', 'removed', 'added']);
});
