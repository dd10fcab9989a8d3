/** docs/guides/from-spring-cloud-config.md, typed in. */

import { expect, it } from 'vitest';
import { playGuide } from './guide.case.ts';

it('an operator can follow the guide', async () => {
  expect(await playGuide('docs/guides/from-spring-cloud-config.md')).toBeGreaterThanOrEqual(4);
});
