import { describe, expect, it } from 'vitest';
import { anInstance } from '../balancer/simulation.case.ts';
import { instancePredicate, type InstanceFilter } from './selector.ts';

const instance = anInstance('a', { tags: ['green', 'eu'], meta: { zone: 'b', version: 'v2.1.10+build7' } });
const matches = (filter: InstanceFilter) => instancePredicate(filter)(instance);

it.each<[string, InstanceFilter, boolean]>([
  ['nothing asked for', {}, true],
  ['all tags there', { tags: ['eu', 'green'] }, true],
  ['one tag missing', { tags: ['eu', 'blue'] }, false],
  ['a tag that must not be there', { withoutTags: ['blue', 'eu'] }, false],
  ['metadata as wanted', { meta: { zone: 'b' } }, true],
  ['metadata with another value', { meta: { zone: 'c' } }, false],
  ['metadata that was never written', { meta: { constructor: 'x' } }, false],
  ['a predicate', ({ weight }) => weight === 1, true],
  ['all of several', { tags: ['eu'], meta: { zone: 'c' } }, false],
])('%s', (_, filter, expected) => {
  expect(matches(filter)).toBe(expected);
});

describe('a version', () => {
  it.each([
    ['2', true],
    ['2.1', true],
    ['2.1.10', true],
    ['v2.1.10', true],
    ['2.1.1', false],
    ['1', false],
    ['2.1.10.1', false],
  ])('%s', (version, expected) => {
    expect(matches({ version })).toBe(expected);
  });

  it('also matches its pre-releases', () => {
    expect(instancePredicate({ version: '3' })(anInstance('b', { meta: { version: '3-rc.1' } }))).toBe(true);
  });

  it('matches no instance without a version', () => {
    expect(instancePredicate({ version: '2' })(anInstance('b'))).toBe(false);
  });

  it.each(['', '2.', '.2', '2..1'])('%j is refused', (version) => {
    expect(() => instancePredicate({ version })).toThrow(/cannot match/);
  });
});
