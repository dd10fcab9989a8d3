/** The scanner behind the tidy tests: which text counts as code. */

import { describe, expect, it } from 'vitest';
import { codeOf, lineAt, productSources } from './source-files.ts';

const scan = (text: string) => codeOf(text, { keepStrings: false }).replace(/ +/g, ' ').trim();

describe('the scanner', () => {
  it.each([
    ['a line comment', 'one(); // Date.now()', 'one();'],
    ['a block comment', 'one(/* Date.now() */);', 'one( );'],
    ['strings of both kinds', `one('a "b"', "it's");`, 'one( , );'],
    ['an escaped quote', String.raw`one('a\'b', c)`, 'one( , c)'],
    ['a template, but not what it inserts', 'one(`a ${b({ c: 1 })} d ${`${e}`}`)', 'one( b({ c: 1 }) e )'],
    ['a regular expression with quotes', `x.test(/['"\\/[/]]/) && y('z')`, 'x.test( ) && y( )'],
    ['a division is code', 'a / b / c', 'a / b / c'],
  ])('blanks out %s', (_name, text, expected) => {
    expect(scan(text)).toBe(expected);
  });

  it('keeps strings when asked to, and every line at its place', () => {
    const text = "/* one\ntwo */\nimport 'three';";
    expect(codeOf(text, { keepStrings: true })).toBe("      \n      \nimport 'three';");
    expect(lineAt(text, text.indexOf('import'))).toBe(3);
  });

  it('finds the sources of the packages and leaves their tests out', () => {
    const paths = productSources().map(({ path }) => path);
    expect(paths).toContain('packages/server/src/registry/state.ts');
    expect(paths.filter((path) => path.includes('.test.') || path.includes('/dist/'))).toEqual([]);
  });
});
