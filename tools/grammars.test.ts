/** The committed parsers are those of their grammars. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generate, grammars } from './grammars.mjs';
import { root } from './source-files.ts';

describe('the parsers', () => {
  it('exist for every grammar', () => {
    expect(grammars()).toContain('packages/server/src/filter/filter.peggy');
  });

  it.each(grammars())('%s says what its parser does; if not, run `npm run grammars`', (path) => {
    const made = generate(path);
    expect(readFileSync(join(root, made.path), 'utf8')).toBe(made.text);
  });
});
