/** docs/guides/console.md, typed in; the pages themselves are tested in a browser (packages/console). */

import { expect, it } from 'vitest';
import { playGuide } from './guide.case.ts';

it('an operator can follow the guide', async () => {
  expect(await playGuide('docs/guides/console.md')).toBe(2);
});
