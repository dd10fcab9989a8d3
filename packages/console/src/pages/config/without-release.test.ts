import { expect, test } from 'vitest';
import { withoutRelease } from './without-release.ts';

test.each([
  ['was published and removed', { release: 0, last: 3 }, 'removed'],
  ['has settings only', { release: 0, last: 2, unpublished: true as const }, 'not published'],
  ['has nothing yet', { release: 0, last: 0 }, 'not published'],
  ['has a release', { release: 2, last: 2 }, undefined],
  ['has a rollout only', { release: 0, last: 1, rollouts: [] }, undefined],
  ['has a draft', { release: 0, last: 0, draft: { revision: 1, base: 0, editors: [], atMs: 0 } }, undefined],
])('a configuration that %s', (_what, row, word) => {
  expect(withoutRelease(row)).toBe(word);
});
