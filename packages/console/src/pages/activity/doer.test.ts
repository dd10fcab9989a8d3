/** Who did what no token did. */

import { expect, test } from 'vitest';
import { doerOf } from './doer.ts';

test.each([
  ['rollouts', 'rollout release of config "shop/app.yaml": its alarm ended it: 1 of 1 instances with the release are critical', 'the alarm'],
  ['rollouts', 'rollout release of config "shop/app.yaml": its stage 1 of 2 is over', 'the server, as planned'],
  ['consul', 'unauthenticated', 'no known token'],
])('by %s: %s was done by %s', (via, action, who) => {
  expect(doerOf({ via, action })).toBe(who);
});
