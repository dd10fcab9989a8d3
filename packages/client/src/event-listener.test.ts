import { once } from 'node:events';
import { expect, it } from 'vitest';
import { guardedListener } from './event-listener.ts';

it.each([
  ['throws', () => {
    throw new Error('oops');
  }],
  ['rejects', () => Promise.reject(new Error('oops'))],
])('a listener that %s causes one warning, and is still called', async (_how, fail) => {
  const heard: number[] = [];
  const warnings: string[] = [];
  const onWarning = ({ message }: Error) => warnings.push(message);
  process.on('warning', onWarning);
  const listener = guardedListener((event: number) => {
    heard.push(event);
    return fail();
  }, 'onEvent of web');
  const warned = once(process, 'warning');
  listener(1);
  listener(2);
  await warned;
  await new Promise((turn) => setImmediate(turn));
  process.off('warning', onWarning);
  expect(heard).toEqual([1, 2]);
  expect(warnings).toEqual([expect.stringMatching(/^onEvent of web threw.*: Error: oops$/)]);
});

it('an undefined listener is allowed', () => {
  expect(() => guardedListener(undefined, 'onEvent')('event')).not.toThrow();
});
