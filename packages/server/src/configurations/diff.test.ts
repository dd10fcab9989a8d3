import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diffLines } from './diff.ts';

const written = (before: string, after: string) => diffLines(before, after).map(({ change, text }) => `${{ same: ' ', removed: '-', added: '+' }[change]}${text}`);

it('keeps the longest common lines, and shows the others in place', () => {
  expect(written('a\nb\nc\nd', 'a\nx\nc\nd\ne')).toEqual([' a', '-b', '+x', ' c', ' d', '+e']);
  expect(written('', 'a')).toEqual(['+a']);
  expect(written('a', '')).toEqual(['-a']);
  expect(written('a\nb', 'a\nb')).toEqual([' a', ' b']);
});

it('gives both texts back, whatever they are', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 30 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const side = (left: string) => lines.filter(({ change }) => change !== left).map((each) => each.text).join('\n');
      expect([side('added'), side('removed')]).toEqual([before, after]);
    }),
  );
});

it('compares very different long texts as a whole', () => {
  const many = (word: string) => Array.from({ length: 20_000 }, (_, at) => `${word}${at}`).join('\n');
  const lines = diffLines(`same\n${many('a')}`, `same\n${many('b')}`);
  expect([lines.length, lines[0]?.change, lines[1]?.change, lines.at(-1)?.change]).toEqual([40_001, 'same', 'removed', 'added']);
});
