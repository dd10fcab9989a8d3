/** No source and no document hides a role behind a pronoun; and a hidden one is found. */

import { describe, expect, it } from 'vitest';
import { checkWords, exempt } from './plain-words.ts';
import { sourceFiles } from './source-files.ts';

const endings = ['.ts', '.mts', '.mjs', '.md', '.peggy', '.json', '.yaml', '.yml', '.service', '.py', '.1', '.txt'];

describe('the repository', () => {
  it('names the role that does something, in sources, tests and documents', () => {
    const files = sourceFiles(['.'], endings).filter(({ path }) => exempt[path] === undefined && !path.endsWith('package-lock.json'));
    expect(files.length).toBeGreaterThan(500);
    expect(files.flatMap(checkWords)).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ['/** Whoever asks is answered. */', 'Whoever'],
    ['// nobody else\n', 'nobody'],
    ["it('harms Nobody', () => {});", 'Nobody'],
    ['const everybody = 1;', 'everybody'],
    ['anyone who can register', 'anyone'],
    ['whatever\n is left', 'whatever is'],
    ['Whatever else it holds', 'Whatever else'],
  ])('finds the word in %j', (text, word) => {
    expect(checkWords({ path: 'a.ts', text })).toEqual([expect.stringContaining(`\`${word}\``)]);
  });

  it('tells the line', () => {
    expect(checkWords({ path: 'docs/a.md', text: 'one\ntwo\nsomeone\n' })).toEqual([expect.stringMatching(/^docs\/a\.md:3 says `someone`/)]);
  });

  it.each(['the caller', 'no body', 'lists instances, whatever their status', 'some one thing', 'everyones_thing'])('passes %j', (text) => {
    expect(checkWords({ path: 'a.ts', text })).toEqual([]);
  });
});
