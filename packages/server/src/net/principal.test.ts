/** The principal of a caller: its token, by the public id, or else its address. */

import { expect, test } from 'vitest';
import { anonymousAccessor } from '../security/well-known.ts';
import { principalOf } from './principal.ts';

test.each([
  ['b1d1a9ee-0000-4000-8000-000000000001', '10.0.0.7', 'token b1d1a9ee-0000-4000-8000-000000000001'],
  [anonymousAccessor, '10.0.0.7', 'address 10.0.0.7'],
  [anonymousAccessor, '::ffff:10.0.0.7', 'address 10.0.0.7'],
  ['', '10.0.0.7', 'address 10.0.0.7'],
  [anonymousAccessor, '', 'address unix'],
])('token %j at %j is %j', (accessorId, address, principal) => {
  expect(principalOf({ accessorId }, address)).toBe(principal);
});
