/** The order of versions. */

import { expect, test } from 'vitest';
import { compareVersions } from './versions.ts';

test.each([
  ['1.9.0', '1.10.0'],
  ['1.2.3', '1.2.4'],
  ['1.0.0-alpha', '1.0.0'],
  ['1.0.0-alpha', '1.0.0-alpha.1'],
  ['1.0.0-alpha.1', '1.0.0-alpha.beta'],
  ['1.0.0-beta.2', '1.0.0-beta.11'],
  ['1.0.0-rc.1', 'v1.0.0'],
  ['2025-06-01', '0.0.1'],
  ['2025-06-01', '2025-07-01'],
  ['1.0.0+1', '1.0.0+2'],
])('%s is older than %s', (older, newer) => {
  expect(compareVersions(older, newer)).toBeLessThan(0);
  expect(compareVersions(newer, older)).toBeGreaterThan(0);
  expect(compareVersions(older, older)).toBe(0);
});
