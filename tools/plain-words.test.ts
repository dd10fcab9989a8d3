/** Sources and documents name roles and use plain words; the check finds each banned one. */

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
    ["it('anyone may read', () => {});", 'anyone'],
    ['whatever\n is left', 'whatever is'],
    ['Whatever else it holds', 'Whatever else'],
  ])('finds the word in %j', (text, word) => {
    expect(checkWords({ path: 'a.ts', text })).toEqual([expect.stringContaining(`\`${word}\``)]);
  });

  it.each([
    ['the answer shall come', 'shall'],
    ['a queue that waits for ever', 'for ever'],
    ['the node is not there yet', 'is not there'],
    ['fields that are given back on it', 'given back'],
    ['callers that it lets through', 'lets through'],
    ['other nodes are passed over', 'passed over'],
    ['/** What comes of a command. */', 'What comes of'],
    ['a key that stands at this revision', 'stands at this revision'],
    ['a request speaks for a node', 'speaks for a'],
  ])('finds the turn of phrase in %j', (text, turn) => {
    expect(checkWords({ path: 'a.ts', text })).toEqual([expect.stringContaining(`\`${turn}\`: write `)]);
  });

  it('names the line', () => {
    expect(checkWords({ path: 'docs/a.md', text: 'one\ntwo\nsomeone\n' })).toEqual([expect.stringMatching(/^docs\/a\.md:3 says `someone`/)]);
  });

  it.each(['the caller', 'no body', 'lists instances, whatever their status', 'some one thing', 'everyones_thing', 'marshall', "id: 'anyone'", '`world:anyone` may read', 'lists whose prefix it passes', 'over there'])('accepts %j', (text) => {
    expect(checkWords({ path: 'a.ts', text })).toEqual([]);
  });
});
