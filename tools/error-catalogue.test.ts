/** docs/reference/errors.md explains every error code, and no other. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { checkCatalogue } from './error-catalogue.ts';
import { root } from './source-files.ts';

describe('the error catalogue', () => {
  it('explains exactly the codes that exist', () => {
    const catalogue = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
    expect(checkCatalogue(errorCodes, catalogue)).toEqual([]);
  });
});

describe('the check', () => {
  const good = '| `a` | what | do | `A` | 400 |\n';
  it.each([
    ['a code that nobody explains', ['a', 'b'], good, 'b is not explained'],
    ['an explanation of nothing', ['a'], `${good}| \`c\` | what | do | \`C\` | 400 |\n`, 'c is explained, but'],
    ['two explanations', ['a'], good + good, 'a is explained twice'],
    ['an empty cell', ['a'], '| `a` | what | | `A` | 400 |\n', 'a lacks'],
    ['a missing cell', ['a'], '| `a` | what | do | `A` |\n', 'a lacks'],
  ])('finds %s', (_name, codes, catalogue, message) => {
    expect(checkCatalogue(codes, catalogue).join('\n')).toContain(message);
  });

  it('passes a complete one', () => expect(checkCatalogue(['a'], good)).toEqual([]));
});
