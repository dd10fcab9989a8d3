/** How a contender of a lock is called. */

import { expect, it } from 'vitest';
import { nameOfContender } from './lock-kind.ts';

const contender = '7d0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c22';

it.each([
  [{ value: 'host-1', client: 'billing', address: '10.0.0.3' }, 'host-1'],
  [{ client: 'billing', address: '10.0.0.3' }, 'billing · 10.0.0.3'],
  [{ client: 'billing' }, 'billing'],
  [{ address: '10.0.0.3' }, '10.0.0.3'],
  [{}, '7d0e8a52'],
])('a contender of which %j is known is called %s', (known, name) => {
  expect(nameOfContender({ contender, ...known })).toBe(name);
});
