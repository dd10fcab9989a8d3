/** docs/concepts/elections.md, typed in: its commands and its programs. */

import { expect, it } from 'vitest';
import { playGuide } from './guide.case.ts';

it('a programmer and an operator can follow the document on elections', async () => {
  expect(await playGuide('docs/concepts/elections.md', {}, ['sh', 'ts'])).toBe(5);
});
