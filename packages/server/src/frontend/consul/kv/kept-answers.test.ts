/** Reads of keys have the quickest way to a kept answer, and lose it only where they depend on a configuration, too. */

import { expect, test } from 'vitest';
import { followsItsView } from '../answer/encoding.ts';
import { Params } from '../wire/params.ts';
import { configKeys } from './config-keys.ts';
import { reads } from './kv.ts';

const withConfigurations = configKeys(() => '');

test.each([
  ['any key', reads(), 'config/app/name', '', true],
  ['a list of rows', reads(), 'config/', 'recurse', true],
  ['a key that is no configuration', reads(withConfigurations), 'app/name', '', true],
  ['a key that may be a configuration', reads(withConfigurations), 'config/app/name', '', false],
  ['a list that may have configurations', reads(withConfigurations), 'config/', 'recurse', false],
])('a kept answer for %s follows the view of the key alone, or not', (_what, read, rest, query, expected) => {
  const asked = read({ namespace: 'default', named: false, rest, params: new Params(query), datacenter: 'dc1' });
  expect(followsItsView(asked)).toBe(expected);
});
