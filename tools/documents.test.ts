/** Documents of the repository: links, and a README for each front end and engine. */

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkLinks, checkReadme, wantedHeadings } from './documents.ts';
import { blocksOf } from './markdown.ts';
import { root, sourceFiles } from './source-files.ts';

describe('the documents', () => {
  it('have no broken link', () => {
    const documents = sourceFiles(['.'], ['.md']);
    expect(documents.map(({ path }) => path)).toContain('ARCHITECTURE.md');
    expect(documents.flatMap((document) => checkLinks(root, document))).toEqual([]);
  });

  it.each(['frontend', 'engine'] as const)('include a README for every %s', (kind) => {
    const parent = `packages/server/src/${kind}`;
    const folders = readdirSync(join(root, parent), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.length).toBeGreaterThan(1);
    const found = folders.flatMap(({ name }) => {
      const path = `${parent}/${name}/README.md`;
      const text = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
      return checkReadme(path, text, wantedHeadings[kind]);
    });
    expect(found).toEqual([]);
  });
});

describe('the check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-documents-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'there.md'), '# There\n\n## What’s `new`, and why\n');

  it.each([
    ['a file that is missing', '[a](gone.md)', 'gone.md, which does not exist'],
    ['a heading that is missing', '[a](there.md#old)', 'no such heading'],
    ['a missing heading of the same document', '[a](#old)', 'no such heading'],
  ])('finds a link to %s', (_what, text, message) => {
    writeFileSync(join(folder, 'here.md'), text);
    expect(checkLinks(folder, { path: 'here.md', text })).toEqual([expect.stringContaining(message)]);
  });

  it('accepts working links, and does not look into code', () => {
    const text = '[a](there.md#whats-new-and-why) [b](https://example.org) `[c](gone.md)`\n```\n[d](gone.md)\n```\n';
    expect(checkLinks(folder, { path: 'here.md', text })).toEqual([]);
  });

  it.each([
    ['no file', undefined, 'does not exist'],
    ['no title', '## Description\n## Examples\n', 'lacks a title'],
    ['a missing heading', '# A\n## Description\n', '## Examples'],
    ['another order', '# A\n## Examples\n## Description\n', 'another order'],
  ])('finds a README with %s', (_what, text, message) => {
    expect(checkReadme('a/README.md', text, ['Description', 'Examples'])).toEqual([expect.stringContaining(message)]);
  });

  it('reads the attributes of a block', () => {
    const text = 'a\n```sh terminal=2 until="on port"\none\n\ntwo\n```\n```\nplain\n```\n';
    expect(blocksOf(text)).toEqual([
      { language: 'sh', attributes: { terminal: '2', until: 'on port' }, text: 'one\n\ntwo', line: 2 },
      { language: '', attributes: {}, text: 'plain', line: 7 },
    ]);
    expect(() => blocksOf('```sh\nendless')).toThrow('no end');
  });
});
