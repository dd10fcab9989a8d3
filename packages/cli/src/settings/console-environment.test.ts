import { expect, test } from 'vitest';
import { consoleEnvironment } from './console-environment.ts';

test.each([
  ['production', { name: 'production', colour: 'red' }],
  ['staging', { name: 'staging', colour: 'grey' }],
  ['prod-eu:violet', { name: 'prod-eu', colour: 'violet' }],
])('the environment %j has a name and a colour', (text, environment) => {
  expect(consoleEnvironment(text)).toEqual(environment);
});

test.each([['', 'has 0'], [':red', 'has 0'], ['a'.repeat(33), 'has 33'], ['test:pink', '"pink" is not a colour'], ['test:red:blue', '"red:blue" is not a colour']])('the environment %j is refused', (text, reason) => {
  expect(() => consoleEnvironment(text)).toThrow(reason);
});
