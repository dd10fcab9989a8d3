/** docs/reference/errors.md explains every error code, and no other. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes, type ErrorCode } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { statusOf as adminStatus } from '../packages/server/src/frontend/admin/errors.ts';
import { statusOfCode as eurekaStatus } from '../packages/server/src/frontend/eureka/errors.ts';
import { statusOf as consulStatus } from '../packages/server/src/frontend/consul/wire/errors.ts';
import { checkCatalogue, checkStatuses } from './error-catalogue.ts';
import { root } from './source-files.ts';

describe('the error catalogue', () => {
  const catalogue = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');

  it('explains exactly the codes that exist', () => {
    expect(checkCatalogue(errorCodes, catalogue)).toEqual([]);
  });

  it('has the statuses that front ends answer with', () => {
    expect(checkStatuses((code) => consulStatus(code as ErrorCode), 4, catalogue)).toEqual([]);
    expect(checkStatuses((code) => adminStatus[code as ErrorCode], 5, catalogue)).toEqual([]);
    expect(checkStatuses((code) => eurekaStatus[code as ErrorCode], 6, catalogue)).toEqual([]);
  });
});

describe('the check', () => {
  const good = '| `a` | what | do | `A` | 400 | 400 | 400 |\n';
  it.each([
    ['a code without an explanation', ['a', 'b'], good, 'b is not explained'],
    ['an explanation of nothing', ['a'], `${good}| \`c\` | what | do | \`C\` | 400 | 400 |\n`, 'c is explained, but'],
    ['two explanations', ['a'], good + good, 'a is explained twice'],
    ['an empty cell', ['a'], '| `a` | what | | `A` | 400 | 400 | 400 |\n', 'a lacks'],
    ['a missing cell', ['a'], '| `a` | what | do | `A` | 400 | 400 |\n', 'a lacks'],
  ])('finds %s', (_name, codes, catalogue, message) => {
    expect(checkCatalogue(codes, catalogue).join('\n')).toContain(message);
  });

  it('finds a status that is another one', () => {
    expect(checkStatuses(() => 500, 4, good)).toEqual(['a is said to be 400, but is 500']);
  });

  it('passes a complete one', () => expect(checkCatalogue(['a'], good)).toEqual([]));
});
