/** No source and no document hides a role behind a pronoun; and a hidden one is found. */

import { describe, expect, it } from 'vitest';
import { checkWords, exempt } from './plain-words.ts';
import { sourceFiles } from './source-files.ts';

const endings = ['.ts', '.mts', '.mjs', '.md', '.peggy', '.json', '.yaml', '.yml', '.service', '.py', '.1', '.txt'];

/** Folders whose texts are still being rewritten, with the reason. */
const underWay: Readonly<Record<string, string>> = {
  'docs/reference/cli.md': 'follows --help of packages/cli',
  'packages/cli/': 'being rewritten with its commands',
  'packages/server/src/frontend/consul/': 'being rewritten with its rooms',
};

describe('the repository', () => {
  it('names the role that does something, in sources, tests and documents', () => {
    const files = sourceFiles(['.'], endings).filter(({ path }) => exempt[path] === undefined && !path.endsWith('package-lock.json'));
    expect(files.length).toBeGreaterThan(500);
    for (const [folder, reason] of Object.entries(underWay)) {
      const left = files.filter(({ path }) => path.startsWith(folder)).flatMap(checkWords).length;
      console.warn(`not checked: ${folder}, ${left} places left (${reason})`);
    }
    const checked = files.filter(({ path }) => !Object.keys(underWay).some((folder) => path.startsWith(folder)));
    expect(checked.flatMap(checkWords)).toEqual([]);
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
